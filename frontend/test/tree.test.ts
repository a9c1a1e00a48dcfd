import { describe, expect, it } from "vitest";
import { EMPTY_TREE, growTree, leafUnder, newestLeaf, pathThrough, siblingsOf, type Tree } from "@/lib/tree";

/** a ─ b ─ c, and b2 (a retry of b) ─ d; a2 is another first turn. */
function tree(...ids: string[]): Tree {
  const parents: Record<string, string | null> = { a: null, b: "a", c: "b", b2: "a", d: "b2", a2: null };
  return ids.reduce((grown, id) => growTree(grown, { id, parentId: parents[id] ?? null }), EMPTY_TREE);
}

describe("a thread's path", () => {
  it("leads to the newest leaf", () => {
    expect(pathThrough(tree("a", "b", "c"), null)).toEqual(["a", "b", "c"]);
    expect(pathThrough(tree("a", "b", "c", "b2"), null)).toEqual(["a", "b2"]);
    expect(pathThrough(EMPTY_TREE, null)).toEqual([]);
    expect(newestLeaf(tree("a", "b"))).toBe("b");
  });

  it("leads through the chosen turn, and on along the newest", () => {
    const whole = tree("a", "b", "c", "b2", "d", "a2");
    expect(pathThrough(whole, "b")).toEqual(["a", "b", "c"]);
    expect(pathThrough(whole, "a")).toEqual(["a", "b2", "d"]);
    expect(pathThrough(whole, "a2")).toEqual(["a2"]);
    expect(pathThrough(whole, "nowhere")).toEqual(["a2"]);
    expect(leafUnder(whole, "a")).toBe("d");
  });

  it("knows the versions of a turn, first turns among them", () => {
    const whole = tree("a", "b", "c", "b2", "d", "a2");
    expect(siblingsOf(whole, "b2")).toEqual(["b", "b2"]);
    expect(siblingsOf(whole, "a")).toEqual(["a", "a2"]);
  });

  it("begins where the turns before were not sent", () => {
    const late = growTree(growTree(EMPTY_TREE, { id: "y", parentId: "x" }), { id: "z", parentId: "y" });
    expect(pathThrough(late, null)).toEqual(["y", "z"]);
    expect(siblingsOf(late, "y")).toEqual(["y"]);
  });

  it("takes a turn once", () => {
    const once = tree("a", "b");
    expect(growTree(once, { id: "b", parentId: "a" })).toBe(once);
  });
});
