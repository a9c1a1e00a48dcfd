"use client";

import { memo, startTransition, useEffect, useState } from "react";
import { CopyButton } from "@/components/copy-button";
import { highlight, type Span } from "@/lib/highlight";
import { codeChunks } from "@/lib/markdown-blocks";

interface CodeBlockProps {
  language: string;
  code: string;
  /** All of it is there; only then is it worth its colours. */
  complete: boolean;
}

export function CodeBlock({ language, code, complete }: CodeBlockProps) {
  return (
    <figure
      data-slot="code-block"
      data-language={language}
      className="group/code overflow-hidden rounded-lg border bg-muted/50"
    >
      <figcaption className="flex h-9 items-center justify-between border-b pr-1 pl-4 text-muted-foreground text-xs">
        <span className="font-mono">{language || "text"}</span>
        <CopyButton text={() => code} label="Copy code" />
      </figcaption>
      <pre tabIndex={0} className="overflow-x-auto px-4 py-3 font-mono text-[13px] leading-5">
        {complete ? <FinishedCode language={language} code={code} /> : <OpenCode code={code} />}
      </pre>
    </figure>
  );
}

/** Code that is being written: only its last chunk of lines is laid out again. */
function OpenCode({ code }: { code: string }) {
  return (
    <code>
      {codeChunks(code).map((chunk, at) => (
        <CodeChunk key={at} text={chunk} />
      ))}
    </code>
  );
}

const CodeChunk = memo(function CodeChunk({ text }: { text: string }) {
  return <span className="block">{text}</span>;
});

function FinishedCode({ language, code }: { language: string; code: string }) {
  const [spans, setSpans] = useState<Span[] | null>(null);
  useEffect(() => {
    let wanted = true;
    void highlight(language, code).then((found) => {
      if (wanted) startTransition(() => setSpans(found));
    });
    return () => {
      wanted = false;
    };
  }, [language, code]);
  if (spans === null) return <OpenCode code={code} />;
  return (
    <code>
      {spans.map((span, at) =>
        span.className === "" ? (
          span.text
        ) : (
          <span key={at} className={span.className}>
            {span.text}
          </span>
        ),
      )}
    </code>
  );
}
