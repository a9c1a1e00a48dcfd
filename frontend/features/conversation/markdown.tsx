"use client";

import { memo, useState } from "react";
import { CodeBlock } from "@/features/conversation/code-block";
import { renderTokens } from "@/features/conversation/markdown-tokens";
import { TableBlock } from "@/features/conversation/table-block";
import { type Block, BlockSplitter, paragraphPieces, parseFence } from "@/lib/markdown-blocks";
import { parseBlocks, parseInline } from "@/lib/markdown-parse";

/** Above this many characters an open paragraph is parsed in pieces. */
const LONG_PARAGRAPH = 1_500;
/** What may open a block that is no plain paragraph. */
const NO_PARAGRAPH = /^(?: {4}|\t| {0,3}(?:[>|#<]|[-*_=]{3,}))/;

interface MarkdownProps {
  source: string;
  /** More may come; then the last block is not yet final. */
  open: boolean;
}

/** Markdown that may still be growing. Blocks that are finished are never parsed, compared or laid out again. */
export function Markdown({ source, open }: MarkdownProps) {
  const [splitter] = useState(() => new BlockSplitter());
  const blocks = splitter.update(source);
  return (
    <div data-slot="markdown" className="prose">
      {blocks.map((block, at) => (
        <BlockView
          key={at}
          kind={block.kind}
          source={block.source}
          closed={block.closed || !open}
          continues={block.continues}
        />
      ))}
    </div>
  );
}

const BlockView = memo(function BlockView({ kind, source, closed, continues }: Block) {
  if (source.trim() === "") return null;
  return (
    <div className="prose-block" data-continues={continues || undefined}>
      <BlockBody kind={kind} source={source} closed={closed} />
    </div>
  );
});

function BlockBody({ kind, source, closed }: Omit<Block, "continues">) {
  if (kind === "code") {
    const { language, code, complete } = parseFence(source);
    return <CodeBlock language={language} code={code} complete={closed || complete} />;
  }
  if (kind === "table") return <TableBlock source={source} />;
  if (!closed && kind === "flow" && source.length > LONG_PARAGRAPH && !NO_PARAGRAPH.test(source)) {
    return (
      <p>
        {paragraphPieces(source).map((piece, at) => (
          <Inline key={at} source={piece} />
        ))}
      </p>
    );
  }
  return renderTokens(parseBlocks(source));
}

const Inline = memo(function Inline({ source }: { source: string }) {
  return renderTokens(parseInline(source));
});
