"use client";

import { useEffect, useId, useRef } from "react";
import { plural } from "@/lib/format";
import { type LineProblem, promptLine } from "@/lib/version-words";

interface PromptEditorProps {
  content: string;
  problems: readonly LineProblem[];
  onChange: (content: string) => void;
}

/** A role's file with the numbers of its lines, open where its prompt begins; what is wrong is listed by line, and leads there. */
export function PromptEditor({ content, problems, onChange }: PromptEditorProps) {
  const text = useRef<HTMLTextAreaElement>(null);
  const numbers = useRef<HTMLPreElement>(null);
  const list = useId();
  const lines = content.split("\n");
  const wrong = new Set(problems.map(({ line }) => line));
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when it opens; later one is where one types
  useEffect(() => {
    const line = promptLine(content);
    const from = startOf(lines, line);
    text.current?.setSelectionRange(from, from);
    scrollTo(text.current, line);
  }, []);
  const show = (line: number): void => {
    const area = text.current;
    if (area === null || line < 1) return;
    const from = startOf(lines, line);
    area.focus();
    area.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
    scrollTo(area, line);
  };
  return (
    <div className="space-y-2">
      <div className="flex h-[26rem] overflow-hidden rounded-md border border-input font-mono text-xs leading-5 focus-within:border-ring focus-within:ring-2 focus-within:ring-ring/25">
        <pre
          ref={numbers}
          aria-hidden
          className="shrink-0 select-none overflow-hidden bg-muted px-2 py-2 text-right text-faint-foreground"
        >
          {lines.map((_, at) => (
            <span
              key={at}
              className={wrong.has(at + 1) ? "block bg-destructive-tint text-destructive" : "block"}
            >
              {at + 1}
            </span>
          ))}
        </pre>
        <textarea
          ref={text}
          dir="auto"
          wrap="off"
          spellCheck={false}
          data-slot="prompt-text"
          aria-label="The role’s file"
          aria-invalid={problems.length > 0}
          aria-describedby={problems.length > 0 ? list : undefined}
          value={content}
          onChange={(event) => onChange(event.target.value)}
          onScroll={(event) => {
            if (numbers.current !== null) numbers.current.scrollTop = event.currentTarget.scrollTop;
          }}
          className="min-w-0 flex-1 resize-none bg-transparent px-3 py-2 outline-none"
        />
      </div>
      {problems.length === 0 ? null : (
        <div
          id={list}
          role="alert"
          data-slot="line-problems"
          className="border-destructive border-l-2 pl-3 text-[13px]"
        >
          <p>This is no role’s file: {plural(problems.length, "problem")}.</p>
          <ul>
            {problems.map(({ line, message }, at) => (
              <li key={at} className="flex gap-3">
                {line === 0 ? null : (
                  <button
                    type="button"
                    data-slot="show-line"
                    onClick={() => show(line)}
                    className="shrink-0 text-primary tabular-nums underline decoration-primary/40 underline-offset-3"
                  >
                    Line {line}
                  </button>
                )}
                <span className="min-w-0 break-words text-muted-foreground">{message}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

/** How many characters stand before a line, which is counted from 1. */
function startOf(lines: readonly string[], line: number): number {
  return lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
}

function scrollTo(area: HTMLTextAreaElement | null, line: number): void {
  if (area !== null) area.scrollTop = Math.max(0, (line - 4) * 20);
}
