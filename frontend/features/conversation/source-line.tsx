"use client";

import { memo, useMemo } from "react";
import { FileCitation } from "@/features/conversation/citation";
import { plural } from "@/lib/format";
import { go } from "@/lib/location";
import { sourcesOf } from "@/lib/recall-state";
import type { RunState } from "@/lib/run-state";

const SHOWN = 4;

/** Under an answer: the places in files that its agents were given. */
export const SourceLine = memo(function SourceLine({
  runId,
  recalls,
}: Pick<RunState, "recalls"> & { runId: string }) {
  const sources = useMemo(() => sourcesOf(recalls), [recalls]);
  if (sources.length === 0) return null;
  const more = sources.length - SHOWN;
  return (
    <ul data-slot="sources" aria-label="Given to its agents" className="flex flex-wrap items-center gap-1.5">
      <li
        aria-hidden
        className="text-faint-foreground text-xs"
        title="Its agents were given these places in files; the answer need not rest on each"
      >
        Given
      </li>
      {sources.slice(0, SHOWN).map((source) => (
        <li key={source.memoryId} className="min-w-0 max-w-full">
          <FileCitation source={source} />
        </li>
      ))}
      {more > 0 ? (
        <li>
          <button
            type="button"
            className="text-faint-foreground text-xs hover:text-foreground"
            onClick={() => openRecalled(runId)}
          >
            and {plural(more, "more", "more")}
          </button>
        </li>
      ) : null}
    </ul>
  );
});

/** What the agents of a run were reminded of, and why. */
export function openRecalled(runId: string): void {
  go({ run: runId, inspect: true, tab: "memory", task: null });
}
