import { describe, expect, it } from "vitest";
import type { FoundMemory, MemoryEntry } from "@/lib/memory-api";
import { refreshed, withFresh } from "@/lib/memory-list";

const NO_SOURCE = {
  threadId: "",
  runId: "",
  taskId: "",
  messageId: "",
  documentId: "",
  file: "",
  place: "",
  start: 0,
  end: 0,
};

function entry(id: string, more: Partial<MemoryEntry> = {}): MemoryEntry {
  return {
    id,
    agent: "user",
    kind: "semantic",
    scope: "owner",
    text: id,
    key: "",
    source: NO_SOURCE,
    line: "",
    position: 0,
    parent: "",
    speaker: "",
    createdAt: 0,
    seenAt: 0,
    validFrom: 0,
    validTo: null,
    supersededBy: "",
    forgottenAt: null,
    archivedAt: null,
    strength: 1,
    count: 1,
    uses: 0,
    usedAt: 0,
    utility: 0,
    pinned: false,
    version: 1,
    ...more,
  };
}

const found = (id: string, at = 0, text = id): FoundMemory => ({
  memory: entry(id, { createdAt: at, text }),
  score: null,
  reasons: null,
});
const ids = (list: readonly FoundMemory[]): string[] => list.map(({ memory }) => memory.id);
const SHOWN = [found("d", 4), found("c", 3), found("b", 2), found("a", 1)];

describe("a list that is looked at", () => {
  it("changes what is known in its place, and gives what is new apart", () => {
    const page = [found("e", 5), found("d", 4), found("c", 3, "edited")];
    const { items, fresh } = refreshed(SHOWN, page, false, new Set(["e", "c"]));
    expect(ids(items)).toEqual(["d", "c", "b", "a"]);
    expect(items[1]?.memory.text).toBe("edited");
    expect(ids(fresh)).toEqual(["e"]);
    expect(ids(withFresh(items, fresh))).toEqual(["e", "d", "c", "b", "a"]);
  });

  it("loses what the server named and no longer gives", () => {
    const page = [found("d", 4), found("b", 2)];
    expect(ids(refreshed(SHOWN, page, false, new Set(["c"])).items)).toEqual(["d", "b", "a"]);
  });

  it("where any may have changed, loses what is missing as far as the page reaches", () => {
    const page = [found("d", 4), found("b", 2)];
    expect(ids(refreshed(SHOWN, page, false, new Set()).items)).toEqual(["d", "b", "a"]);
    expect(ids(refreshed(SHOWN, page, true, new Set()).items)).toEqual(["d", "b"]);
  });

  it("of a search stays in the order of its scores", () => {
    const hit = (id: string, score: number): FoundMemory => ({ ...found(id), score });
    expect(ids(withFresh([hit("x", 0.9), hit("y", 0.4)], [hit("z", 0.6)]))).toEqual(["x", "z", "y"]);
  });
});
