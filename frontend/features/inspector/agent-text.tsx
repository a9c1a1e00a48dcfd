import { Fragment, type ReactNode } from "react";

/** What an agent writes, in a small pane: headings, lists, bold and code are shown as such, and nothing else. */
export function AgentText({ text }: { text: string }) {
  return (
    <div data-slot="agent-text" className="break-words text-[13px] leading-5">
      {text.split("\n").map((line, at) => (
        <Line key={at} line={line} />
      ))}
    </div>
  );
}

function Line({ line }: { line: string }) {
  const heading = /^#{1,6}\s+(.*)/.exec(line)?.[1];
  if (heading !== undefined) return <p className="mt-2 font-semibold first:mt-0">{inline(heading)}</p>;
  const item = /^(\s*)(?:([-*+])|(\d+)[.)])\s+(.*)/.exec(line);
  if (item !== null) {
    const [, indent = "", , number, rest = ""] = item;
    return (
      <p className="flex gap-2" style={{ paddingLeft: indent.length * 6 }}>
        <span className="text-faint-foreground tabular-nums">
          {number === undefined ? "–" : `${number}.`}
        </span>
        <span className="min-w-0">{inline(rest)}</span>
      </p>
    );
  }
  return line.trim() === "" ? <div className="h-2" /> : <p className="whitespace-pre-wrap">{inline(line)}</p>;
}

function inline(line: string): ReactNode {
  return line.split(/(\*\*[^*]+\*\*|`[^`]+`)/g).map((piece, at) => {
    if (at % 2 === 0) return <Fragment key={at}>{piece}</Fragment>;
    return piece.startsWith("`") ? (
      <code key={at} className="rounded bg-muted px-1 font-mono text-[0.9em]">
        {piece.slice(1, -1)}
      </code>
    ) : (
      <strong key={at} className="font-semibold">
        {piece.slice(2, -2)}
      </strong>
    );
  });
}
