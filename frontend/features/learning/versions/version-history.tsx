"use client";

import { useNow } from "@/hooks/use-now";
import { prettyJson } from "@/lib/format";
import { ago, exactTime } from "@/lib/memory-words";
import { stepWords } from "@/lib/version-words";
import type { HistoryStep } from "@/lib/versions-api";

/** What became of a version, the newest first, each step with its reason and the figures that decided. */
export function VersionHistory({ history }: { history: readonly HistoryStep[] }) {
  const now = useNow();
  return (
    <ol data-slot="version-history" className="divide-y border-y">
      {[...history].reverse().map((step) => (
        <li key={step.seq} data-slot="version-step" className="space-y-1 py-2.5 text-[13px]">
          <p className="flex flex-wrap items-baseline gap-x-3">
            <span className="font-medium">{stepWords(step)}</span>
            <time
              dateTime={new Date(step.at * 1000).toISOString()}
              title={exactTime(step.at)}
              className="ml-auto text-muted-foreground text-xs"
            >
              {ago(step.at, now)}
            </time>
          </p>
          {step.why === "" ? null : <p className="text-pretty text-muted-foreground">{step.why}</p>}
          {step.data === "{}" || step.data === "" ? null : (
            <details className="text-xs">
              <summary className="cursor-pointer text-muted-foreground hover:text-foreground">
                The figures that decided
              </summary>
              <pre tabIndex={0} className="mt-1 max-h-60 overflow-auto rounded-md bg-muted p-2.5 font-mono">
                {prettyJson(step.data)}
              </pre>
            </details>
          )}
        </li>
      ))}
    </ol>
  );
}
