import { describe, expect, it } from "vitest";
import type { MemoryEntry, MemoryVersion } from "@/lib/memory-api";
import { historyOf, lifeOf, passOf } from "@/lib/memory-words";
import type { Act } from "@/lib/refinement-api";
import {
  actWords,
  countsWords,
  doneWords,
  fateWords,
  leftWords,
  matterWords,
  whyWords,
} from "@/lib/refinement-words";

const act = (more: Partial<Act>): Act => ({
  n: 1,
  what: "merge",
  why: "",
  memories: [
    { id: "m_1", text: "The ferry leaves at four." },
    { id: "m_2", text: "the ferry leaves at four" },
  ],
  over: ["m_2"],
  ...more,
});

describe("refinement in words", () => {
  it("counts acts in the order in which they are explained", () => {
    expect(countsWords({ archive: 3, merge: 1 })).toBe("1 merged, 3 archived");
    expect(countsWords({})).toBe("nothing");
    expect(doneWords([], false)).toBe("There was nothing to refine.");
    expect(doneWords([act({})], true)).toBe("Refined: 1 merged. There is more to do.");
  });

  it("says what is done, and what would be", () => {
    expect(actWords(act({}))).toBe("Kept one of 2 that say the same");
    expect(actWords(act({ n: 0 }))).toBe("Keep one of 2 that say the same");
    expect(actWords(act({ what: "promote", over: [] }))).toBe("Made it a fact");
    expect(actWords(act({ what: "promote", n: 0, over: [], adds: ["Lives in Lund."] }))).toBe(
      "Keep what is a fact in it",
    );
    expect(actWords(act({ what: "archive" }))).toBe("Archived it");
  });

  it("puts the words of memories where the server names them", () => {
    const why = "2 memories say the same; m_1 says it for all.";
    expect(whyWords(act({ why }))).toBe(
      "2 memories say the same; “The ferry leaves at four” says it for all.",
    );
    const gone = [{ id: "m_1", text: "" }];
    expect(whyWords(act({ why, memories: gone }))).toContain("one that is gone says it");
    const long = [{ id: "m_1", text: `**${"word ".repeat(40)}**` }];
    expect(whyWords(act({ why: "m_1", memories: long })).length).toBeLessThan(64);
  });

  it("says what became of each memory, whichever way it was settled", () => {
    expect(["m_1", "m_2"].map((id) => fateWords(act({}), id))).toEqual(["stays", "archived"]);
    const settled = act({ what: "settle" });
    expect(["m_1", "m_2"].map((id) => fateWords(settled, id))).toEqual(["holds", "holds no more"]);
    const all = act({ what: "settle", over: [] });
    expect(["m_1", "m_2"].map((id) => fateWords(all, id))).toEqual(["", ""]);
  });

  it("says what stayed as somebody had changed it", () => {
    expect(leftWords(["m_1"])).toBe("1 memory stays as it is: somebody changed it since.");
    expect(leftWords(["m_1", "m_2"])).toBe("2 memories stay as they are: somebody changed them since.");
  });

  it("names what a contradiction is about", () => {
    expect(matterWords("user.budget.trip")).toBe("your budget trip");
    expect(matterWords("bakery.opens")).toBe("bakery opens");
  });
});

describe("the history of a memory", () => {
  const memory = {
    kind: "semantic",
    agent: "writer",
    validTo: null,
    forgottenAt: null,
    archivedAt: null,
  } as MemoryEntry;
  const step = (version: number, what: string, by: string, before = {}): MemoryVersion =>
    ({ version, at: version, what, by, before }) as MemoryVersion;

  it("names refinement and its pass, and says when that was taken back", () => {
    const steps = historyOf(memory, [
      step(1, "added", "writer"),
      step(2, "archived", "refinement:p_01af"),
      step(3, "restored", "undo:p_01af"),
      step(4, "promoted", "refinement:p_02b0", { kind: "episodic" }),
    ]);
    expect(steps.map(({ words, pass }) => [words, pass])).toEqual([
      ["Made a fact by refinement", "p_02b0"],
      ["Restored, as you took refinement back", "p_01af"],
      ["Archived by refinement", "p_01af"],
      ["Kept by writer", null],
    ]);
    expect(steps[0]?.fields).toEqual([{ field: "kind", from: "Episode", to: "Fact" }]);
    expect(passOf("user")).toBeNull();
  });

  it("calls archived what still holds", () => {
    expect(lifeOf({ ...memory, archivedAt: 5 })).toBe("archived");
    expect(lifeOf({ ...memory, archivedAt: 5, validTo: 4 })).toBe("superseded");
    expect(lifeOf({ ...memory, archivedAt: 5, forgottenAt: 6 })).toBe("forgotten");
    expect(lifeOf(memory)).toBeNull();
  });
});
