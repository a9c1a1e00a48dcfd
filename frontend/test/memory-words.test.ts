import { describe, expect, it } from "vitest";
import type { MemoryEntry, MemoryState } from "@/lib/memory-api";
import {
  ago,
  authorOf,
  countWords,
  forgottenWords,
  historyOf,
  indexWords,
  marked,
  plain,
  sourceWords,
} from "@/lib/memory-words";

const NOW = Date.UTC(2026, 10, 26, 12);
const SOURCE = { threadId: "", documentId: "", file: "", place: "" };
const memory = (more: object): MemoryEntry =>
  ({
    agent: "user",
    text: "now",
    kind: "semantic",
    scope: "owner",
    pinned: false,
    key: "",
    source: SOURCE,
    ...more,
  }) as MemoryEntry;

describe("a memory in words", () => {
  it("says where it is from", () => {
    const file = memory({ source: { ...SOURCE, documentId: "d", file: "handbook.pdf", place: "page 3" } });
    expect(sourceWords(file, undefined)).toBe("handbook.pdf, page 3");
    const chat = memory({ source: { ...SOURCE, threadId: "t" } });
    expect(sourceWords(chat, "Trip to Porto")).toBe("chat “Trip to Porto”");
    expect(sourceWords(chat, undefined)).toBe("a chat");
    expect(sourceWords(chat, "a\u202eb")).toBe("chat “a⟦U+202E⟧b”");
    expect(plain("**a**\u202eb")).toBe("a⟦U+202E⟧b");
    expect(sourceWords(memory({}), undefined)).toBe("added by you");
    expect(sourceWords(memory({ agent: "analyst" }), undefined)).toBe("noted by analyst");
  });

  it("says how old it is", () => {
    const seconds = NOW / 1000;
    const ages = [10, 240, 7300, 90_000, 300_000].map((age) => ago(seconds - age, NOW));
    expect(ages).toEqual(["now", "4 min ago", "2 h ago", "yesterday", "3 days ago"]);
    expect(ago(Date.UTC(2026, 9, 12) / 1000, NOW)).toBe("12 Oct");
    expect(ago(Date.UTC(2024, 9, 12) / 1000, NOW)).toBe("12 Oct 2024");
  });

  it("marks words that begin like those of the search, in any script", () => {
    const hits = (text: string, words: string[]): string[] =>
      marked(text, words).flatMap(({ text: piece, isHit }) => (isHit ? [piece] : []));
    expect(hits("Hotels in Porto; no hotel-bar", ["hotel", "porto"])).toEqual(["Hotels", "Porto", "hotel"]);
    expect(hits("Встреча в Порту", ["порт"])).toEqual(["Порту"]);
    const text = "a (b) [c] $ porto";
    expect(
      marked(text, ["porto"])
        .map((piece) => piece.text)
        .join(""),
    ).toBe(text);
  });

  it("tells its history from what was before each change", () => {
    const history = [
      { version: 1, at: 1, what: "added", by: "analyst", before: {} },
      { version: 2, at: 2, what: "edited", by: "user", before: { text: "first" } },
      { version: 3, at: 3, what: "edited", by: "user", before: { text: "second", kind: "episodic" } },
    ];
    const steps = historyOf(memory({}), history);
    expect(steps.map(({ words }) => words)).toEqual(["Changed by you", "Changed by you", "Kept by analyst"]);
    expect(steps[0]?.fields).toEqual([
      { field: "text", from: "second", to: "now" },
      { field: "kind", from: "Episode", to: "Fact" },
    ]);
    expect(steps[1]?.fields).toEqual([{ field: "text", from: "first", to: "second" }]);
  });

  it("says how memory stands, and what it waits for", () => {
    const by = { byKind: {}, byScope: {}, byAgent: {} };
    const counts = { alive: 12, archived: 0, superseded: 1, forgotten: 0, inFiles: 0, ...by };
    const index = { backend: "usearch", model: "minilm", dimensions: 384, entries: 12, missing: 0 };
    const state: MemoryState = {
      on: true,
      counts,
      indexes: [{ ...index, role: "serving" }],
      waiting: 0,
      problem: "",
    };
    expect(countWords(state)).toBe("12 memories · 1 replaced");
    const filled = { ...state, counts: { ...counts, alive: 2012, inFiles: 2000 } };
    expect(countWords(filled)).toBe("12 memories · 2,000 pieces of files · 1 replaced");
    expect(indexWords(state).tone).toBe("ready");
    const building = { ...index, model: "nomic", role: "building" as const, missing: 340 };
    const words = indexWords({ ...state, indexes: [...state.indexes, building] }).words;
    expect(words).toBe("learning them for nomic, 340 memories left");
    expect(indexWords({ ...state, problem: "No model." })).toEqual({ tone: "problem", words: "No model." });
  });

  it("is the user's where they said it, whichever agent keeps it", () => {
    expect(authorOf({ agent: "writer", speaker: "user" })).toBe("user");
    expect(authorOf({ agent: "writer", speaker: "writer" })).toBe("writer");
  });

  it("says what is so after forgetting", () => {
    expect(forgottenWords(1, false)).toBe("It is not recalled any more.");
    expect(forgottenWords(1, true)).toContain("The chat it came from still has your words.");
    expect(forgottenWords(1200, false)).toBe("1,200 memories are forgotten. They are not recalled any more.");
  });

  it.each([
    ["The **spare key** lies `here`", "The spare key lies here"],
    ["## Setup\n> said __twice__", "Setup\nsaid twice"],
    ["cut in **the mid", "cut in the mid"],
    ["2 ** 3 and a_b_c, snake__case", "2 ** 3 and a_b_c, snake__case"],
  ])("leaves the signs of Markdown out of %j", (text, words) => expect(plain(text)).toBe(words));
});
