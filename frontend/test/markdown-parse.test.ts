import { describe, expect, it } from "vitest";
import { BlockSplitter } from "@/lib/markdown-blocks";
import { childrenOf, parseBlocks, parseInline } from "@/lib/markdown-parse";

const POEM = "An old silent pond\nA frog jumps in\nSplash! Silence again.";

describe("line breaks", () => {
  const types = (source: string) =>
    parseBlocks(source).flatMap((block) => childrenOf(block).map((token) => token.type));

  it("of a poem are kept", () => {
    expect(types(POEM)).toEqual(["text", "br", "text", "br", "text"]);
    expect(parseInline(POEM).map((token) => token.type)).toEqual(["text", "br", "text", "br", "text"]);
  });

  it("are as many while the poem is being written", () => {
    for (let end = 1; end <= POEM.length; end++) {
      const source = POEM.slice(0, end);
      const blocks = new BlockSplitter().update(source);
      expect(blocks).toHaveLength(1);
      const breaks = types(blocks[0]?.source ?? "").filter((type) => type === "br").length;
      expect(breaks).toBe(source.trimEnd().split("\n").length - 1);
    }
  });

  it("inside of a list item are kept, and at its end make none", () => {
    const [list] = parseBlocks("- one\n  more of it\n- two\n");
    const items = list?.type === "list" ? list.items : [];
    const inside = items.map((item) => JSON.stringify(item.tokens).split('"type":"br"').length - 1);
    expect(inside).toEqual([1, 0]);
  });
});
