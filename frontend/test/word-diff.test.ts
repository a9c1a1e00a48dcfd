import { describe, expect, it } from "vitest";
import { type DiffPart, diffWords } from "@/lib/word-diff";

const of = (parts: DiffPart[], ...kinds: string[]): string =>
  parts
    .filter(({ kind }) => kinds.includes(kind))
    .map(({ text }) => text)
    .join("");

describe("differences by words", () => {
  it("marks what was taken out and what came in", () => {
    expect(diffWords("Gas is cheap to install.", "Gas is cheap and quick to install.")).toEqual([
      { kind: "same", text: "Gas is cheap " },
      { kind: "added", text: "and quick " },
      { kind: "same", text: "to install." },
    ]);
    expect(diffWords("a b c", "a x c")).toEqual([
      { kind: "same", text: "a " },
      { kind: "removed", text: "b" },
      { kind: "added", text: "x" },
      { kind: "same", text: " c" },
    ]);
  });

  it("finds nothing between equal texts, and everything between a text and none", () => {
    expect(diffWords("the same", "the same")).toEqual([{ kind: "same", text: "the same" }]);
    expect(diffWords("", "")).toEqual([]);
    expect(diffWords("", "new")).toEqual([{ kind: "added", text: "new" }]);
    expect(diffWords("old", "")).toEqual([{ kind: "removed", text: "old" }]);
  });

  it("gives both texts back, whatever they are", () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed % below;
    };
    const text = (): string => Array.from({ length: random(30) }, () => "abcde"[random(5)]).join(" ");
    for (let round = 0; round < 500; round++) {
      const [before, after] = [text(), text()];
      const parts = diffWords(before, after);
      expect(of(parts, "same", "removed")).toBe(before);
      expect(of(parts, "same", "added")).toBe(after);
    }
  });

  it("does not despair of long texts that share nothing", () => {
    const many = (word: string): string => Array.from({ length: 5_000 }, (_, at) => word + at).join(" ");
    const began = performance.now();
    const parts = diffWords(many("a"), many("b"));
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(of(parts, "same", "removed")).toBe(many("a"));
  });
});
