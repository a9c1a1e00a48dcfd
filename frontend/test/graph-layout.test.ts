import { describe, expect, it } from "vitest";
import {
  type GraphLayout,
  type GraphNode,
  type GraphTask,
  JOIN,
  layoutPlan,
  START,
  shapeOf,
} from "@/lib/graph-layout";

function task(id: string, dependsOn: string[] = [], more: Partial<GraphTask> = {}): GraphTask {
  return { id, parentId: "main", dependsOn, replacedBy: null, ...more };
}

function nodeOf(layout: GraphLayout, id: string): GraphNode {
  const node = layout.nodes.find((each) => each.id === id);
  if (node === undefined) throw new Error(`no node ${id}`);
  return node;
}

function overlaps(a: GraphNode, b: GraphNode): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

const edgesOf = (layout: GraphLayout): string[] => layout.edges.map(({ id, kind }) => `${id} ${kind}`).sort();

describe("the layout of a plan", () => {
  it("is the start alone while there is no plan", () => {
    const layout = layoutPlan([]);
    expect(layout.nodes.map(({ id, kind }) => [id, kind])).toEqual([[START, "start"]]);
    expect(layout.edges).toEqual([]);
  });

  it("goes from the start over what waits to the joined answer", () => {
    const layout = layoutPlan([task("1"), task("2"), task("3", ["1", "2"])]);
    expect(edgesOf(layout)).toEqual([
      "1→3 result",
      "2→3 result",
      `3→${JOIN} join`,
      "main→1 split",
      "main→2 split",
    ]);
    const [start, one, three, join] = [START, "1", "3", JOIN].map((id) => nodeOf(layout, id).x);
    expect([start, one, three, join]).toEqual(
      [start, one, three, join].sort((a, b) => Number(a) - Number(b)),
    );
    expect(nodeOf(layout, "1").x).toBe(nodeOf(layout, "2").x);
  });

  it("puts all that is free to begin into one column, the first task on top", () => {
    const layout = layoutPlan([
      task("1"),
      task("2"),
      task("3"),
      task("4", ["1", "2"]),
      task("5", ["1", "2", "3", "4"]),
    ]);
    const [one, two, three] = ["1", "2", "3"].map((id) => nodeOf(layout, id));
    expect(new Set([one?.x, two?.x, three?.x]).size).toBe(1);
    expect(one?.y).toBeLessThan(two?.y ?? 0);
    expect(two?.y).toBeLessThan(three?.y ?? 0);
  });

  it("sends who waited for a replaced task to the one that stands in", () => {
    const layout = layoutPlan([
      task("1", [], { replacedBy: "3" }),
      task("2", ["1"]),
      task("3", [], { replacedBy: "4" }),
      task("4"),
    ]);
    expect(edgesOf(layout)).toEqual([`2→${JOIN} join`, "4→2 result", "main→4 split"]);
    const [one, three, four] = ["1", "3", "4"].map((id) => nodeOf(layout, id));
    expect([one?.kind, three?.kind, four?.kind]).toEqual(["ghost", "ghost", "task"]);
    expect(new Set([one?.x, three?.x, four?.x]).size).toBe(1);
    expect(three?.y).toBeGreaterThan(one?.y ?? 0);
    expect(four?.y).toBeGreaterThan(three?.y ?? 0);
  });

  it("survives replacements that go in a circle and dependencies on what is not there", () => {
    const layout = layoutPlan([
      task("1", ["9"], { replacedBy: "2" }),
      task("2", [], { replacedBy: "1" }),
      task("3", ["1", "3"]),
    ]);
    expect(layout.nodes).toHaveLength(5);
    expect(layout.nodes.filter(({ kind }) => kind === "ghost")).toEqual([]);
  });

  it("puts a plan within a plan inside its task", () => {
    const inner = [task("1.1", [], { parentId: "1" }), task("1.2", ["1.1"], { parentId: "1" })];
    const layout = layoutPlan([task("1"), task("2", ["1"]), ...inner]);
    const group = nodeOf(layout, "1");
    expect(group.kind).toBe("group");
    for (const { id } of inner) {
      const node = nodeOf(layout, id);
      expect(node.x).toBeGreaterThanOrEqual(group.x);
      expect(node.y).toBeGreaterThan(group.y);
      expect(node.x + node.width).toBeLessThanOrEqual(group.x + group.width);
      expect(node.y + node.height).toBeLessThanOrEqual(group.y + group.height);
    }
    expect(edgesOf(layout)).toContain("1.1→1.2 result");
    expect(overlaps(group, nodeOf(layout, "2"))).toBe(false);
  });

  it("packs a hundred parallel tasks into a field, and no two overlap", () => {
    const layout = layoutPlan([
      ...Array.from({ length: 100 }, (_, at) => task(`${at + 1}`)),
      task(
        "101",
        Array.from({ length: 100 }, (_, at) => `${at + 1}`),
      ),
    ]);
    expect(layout.compact).toBe(true);
    const field = layout.nodes.find(({ kind }) => kind === "field");
    expect(edgesOf(layout)).toEqual([
      `101→${JOIN} join`,
      `${field?.id}→101 result`,
      `main→${field?.id} split`,
    ]);
    expect(layout.edges.find(({ to }) => to === "101")?.carries).toHaveLength(100);
    expect(layout.width / layout.height).toBeGreaterThan(0.7);
    expect(layout.width / layout.height).toBeLessThan(3);
    const cards = layout.nodes.filter(({ kind }) => kind !== "field");
    for (const [at, a] of cards.entries())
      for (const b of cards.slice(at + 1)) expect(overlaps(a, b), `${a.id} ${b.id}`).toBe(false);
  });

  it("gives the same for the same", () => {
    const tasks = [task("1"), task("2"), task("3", ["1"])];
    expect(layoutPlan(tasks)).toEqual(layoutPlan(tasks));
    expect(shapeOf(tasks)).toBe(shapeOf([...tasks]));
    expect(shapeOf(tasks)).not.toBe(shapeOf([task("1"), task("2"), task("3", ["2"])]));
  });
});
