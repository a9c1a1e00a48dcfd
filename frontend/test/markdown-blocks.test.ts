import { describe, expect, it } from "vitest";
import { type Block, BlockSplitter, codeChunks, paragraphPieces, parseFence } from "@/lib/markdown-blocks";
import { HAIKU, HEATING, longText, RAINBOW } from "./mock-texts.mjs";

const NASTY = [
  "Plain paragraph.\nStill it.\n\nNext one.\n",
  "# Title\nright below\n## Next\n\n- a\n- b\n  more b\n\n  and more\n\n- c\n\nAfter.\n",
  "1. one\n2. two\n   ```py\n   x = 1\n\n   y = 2\n   ```\n3. three\n\nEnd",
  "```\nunclosed\n\n# not a heading\n- not a list\n",
  "~~~js\na\n```\nb\n~~~\nafter\n",
  "Text\n| a | b |\n|---|--:|\n| 1 | 2 |\n\nEnd\n",
  "| a | b |\n|---|---|\n| 1 | 2 |\n# Heading\n> quote\n> more\n\n> other\n",
  "Setext\n===\n\nOther\n---\n\n***\n\n* a\n* b\n+ c\n1) d\n",
  "    indented\n\n    code\n\nparagraph\n",
  "🌈 astral\r\nand returns\r\n\r\nnext\n\n\n\nlast",
  "- [ ] open\n- [x] done\n\n\n\n<b>html</b>\n\n&amp; [link](x)\n",
  "",
  "\n\n",
];
const TEXTS = [
  ...NASTY,
  HAIKU,
  HEATING,
  RAINBOW,
  longText(400),
  ...["code", "list", "table", "paragraph"].map((shape) => longText(600, shape)),
];

/** A generator with a seed, so that a failure can be had again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("blocks", () => {
  it("joined are the source, at every moment, and a closed one never changes", () => {
    for (const [at, text] of TEXTS.entries()) {
      for (let seed = 1; seed <= 5; seed++) {
        const next = random(seed * 1000 + at);
        const splitter = new BlockSplitter();
        let closed: Block[] = [];
        for (let end = 0; end < text.length; ) {
          end = Math.min(text.length, end + 1 + Math.floor(next() * 24));
          const source = text.slice(0, end);
          const blocks = splitter.update(source);
          expect(blocks.map((block) => block.source).join("")).toBe(source);
          const now = blocks.filter((block) => block.closed);
          closed.forEach((block, index) => {
            expect(now[index]).toBe(block);
          });
          expect(blocks.slice(0, -1).every((block) => block.closed)).toBe(true);
          closed = now;
        }
      }
    }
  });

  it("come out the same however the text arrives, but for the last", () => {
    for (const text of TEXTS) {
      const whole = new BlockSplitter().update(text);
      const splitter = new BlockSplitter();
      for (let end = 1; end <= text.length; end += 3) splitter.update(text.slice(0, end));
      expect(splitter.update(text).map((block) => block.source)).toEqual(whole.map((block) => block.source));
    }
  });

  it("are what one would cut by hand", () => {
    const kinds = (text: string): [string, string][] =>
      new BlockSplitter().update(text).map((block) => [block.kind, block.source.trim()]);
    expect(kinds("Intro:\n- a\n- b\n\nAfter.\n\n```py\nx\n\ny\n```\nEnd\n")).toEqual([
      ["flow", "Intro:"],
      ["list", "- a\n- b"],
      ["flow", "After."],
      ["code", "```py\nx\n\ny\n```"],
      ["flow", "End"],
    ]);
    expect(kinds("Text\n| a | b |\n|---|--:|\n| 1 | 2 |\n\nEnd\n").map(([kind]) => kind)).toEqual([
      "flow",
      "table",
      "flow",
    ]);
  });

  it("keep a list together unless it is long", () => {
    const short = new BlockSplitter().update("1. a\n\n   more\n\n2. b\n");
    expect(short).toHaveLength(1);
    const long = new BlockSplitter().update(longText(2000, "list"));
    expect(long.length).toBeGreaterThan(3);
    expect(long.slice(1).every((block) => block.continues && block.kind === "list")).toBe(true);
    expect(Math.max(...long.map((block) => block.source.length))).toBeLessThan(2000);
  });

  it("start over when the text was replaced", () => {
    const splitter = new BlockSplitter();
    splitter.update("First attempt.\n\nIt broke");
    expect(splitter.update("Second.").map((block) => block.source)).toEqual(["Second."]);
  });
});

describe("parts of a block", () => {
  it("a fence gives its language and code, closed or not", () => {
    expect(parseFence("```Python title=x\na\n\nb\n```\n")).toEqual({
      language: "python",
      code: "a\n\nb",
      complete: true,
    });
    expect(parseFence("```py\na\n``")).toEqual({ language: "py", code: "a\n``", complete: false });
    expect(parseFence("````\n```\n````")).toEqual({ language: "", code: "```", complete: true });
    expect(parseFence("```js")).toEqual({ language: "js", code: "", complete: false });
  });

  it("chunks of code and pieces of a paragraph are stable, and joined are the whole", () => {
    const code = Array.from({ length: 200 }, (_, at) => `line ${at}`).join("\n");
    const paragraph = longText(3000, "paragraph");
    for (const [split, text] of [
      [codeChunks, code],
      [paragraphPieces, paragraph],
    ] as const) {
      let before: string[] = [];
      for (let end = 0; end <= text.length; end += 61) {
        const parts = split(text.slice(0, end));
        expect(parts.join("")).toBe(text.slice(0, end));
        expect(parts.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
        before = parts;
      }
      expect(before.length).toBeGreaterThan(3);
    }
  });

  it("a piece of a paragraph ends outside of marks", () => {
    for (const piece of paragraphPieces(longText(3000, "paragraph"))) {
      expect((piece.match(/\*\*/g)?.length ?? 0) % 2).toBe(0);
    }
  });
});
