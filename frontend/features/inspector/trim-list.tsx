"use client";

import { refWords } from "@/features/inspector/section-words";
import { useLens } from "@/features/inspector/use-lens";
import { plural } from "@/lib/format";
import type { ContextNote } from "@/lib/protocol";
import { freedTokens, freedWords, trimReason, trimWords } from "@/lib/trim-words";

/** What had no room in a prompt, step by step in the order in which it was taken out, and why that. */
export function TrimList({ trims }: { trims: readonly ContextNote[] }) {
  const freed = freedTokens(trims);
  return (
    <div data-slot="trims" className="space-y-2 text-[13px]">
      <p className="text-muted-foreground">
        Not everything had room{freed > 0 ? `; what was left out freed ${plural(freed, "token")}` : ""}.
      </p>
      <ol className="space-y-2">
        {trims.map((note, at) => (
          <li
            key={at}
            data-slot="trim"
            data-rung={note.rung}
            className="grid grid-cols-[1.25rem_1fr] gap-x-1"
          >
            <span aria-hidden className="text-faint-foreground tabular-nums">
              {at + 1}
            </span>
            <div className="min-w-0 space-y-0.5">
              <p>
                {capital(trimWords(note))}
                <span className="text-faint-foreground tabular-nums">
                  {freedWords(note) === null ? "" : ` · ${freedWords(note)}`}
                </span>
              </p>
              <p className="text-faint-foreground text-xs">{trimReason(note)}</p>
              <Refs note={note} />
            </div>
          </li>
        ))}
      </ol>
    </div>
  );
}

const MOST_REFS = 8;

/** Which they are; turns are only counted. */
function Refs({ note: { rung, refs = [] } }: { note: ContextNote }) {
  const run = useLens().live.get();
  if (rung === "summary" || refs.length === 0) return null;
  const more = refs.length - MOST_REFS;
  return (
    <ul className="text-muted-foreground text-xs">
      {refs.slice(0, MOST_REFS).map((ref) => (
        <li key={ref} className="truncate">
          {refWords(ref, run)}
        </li>
      ))}
      {more > 0 ? <li>and {plural(more, "more", "more")}</li> : null}
    </ul>
  );
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
