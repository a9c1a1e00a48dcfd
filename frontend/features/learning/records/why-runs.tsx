"use client";

import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { RunLink } from "@/features/learning/run-link";
import { useNow } from "@/hooks/use-now";
import { useStore } from "@/hooks/use-store";
import { countsWords, heardWords, loudestFirst, score, whyWords } from "@/lib/belief-words";
import { count } from "@/lib/format";
import { ago, exactTime } from "@/lib/memory-words";
import { MAIN } from "@/lib/protocol";
import { MOST_RUNS, why } from "@/lib/records";
import type { Why, WhyRun } from "@/lib/records-api";

/** Why a number is as it is: in a sentence, and by every task that speaks. */
export function WhyRuns({ told, item, context }: { told: Why | null; item: string; context: string }) {
  const { error } = useStore(why.state);
  if (told === null)
    return error === null ? (
      <p className="h-24 text-muted-foreground text-xs">Looking up the runs behind it…</p>
    ) : (
      <Problem facts={error}>
        <Button size="sm" onClick={() => void why.load()}>
          Try again
        </Button>
      </Problem>
    );
  return (
    <section data-slot="why-number" aria-label="Why this number" className="space-y-2">
      <h2 className="font-medium text-[13px]">Why this number</h2>
      <p className="text-pretty text-[13px] text-muted-foreground">{whyWords(told)}</p>
      {told.runs.length === 0 ? null : (
        <ul className="divide-y border-y">
          {told.runs.map((run) => (
            <WhyRow key={`${run.runId} ${run.taskId}`} run={run} />
          ))}
        </ul>
      )}
      {told.total > told.runs.length ? (
        <Button
          variant="link"
          size="inline"
          className="text-xs"
          onClick={() => why.about({ item, context, limit: MOST_RUNS })}
        >
          Show {told.total > MOST_RUNS ? `the newest ${MOST_RUNS}` : `all ${count(told.total)}`}
        </Button>
      ) : null}
    </section>
  );
}

function WhyRow({ run }: { run: WhyRun }) {
  const now = useNow();
  return (
    <li
      data-slot="why-run"
      data-run={run.runId}
      className="grid grid-cols-[2.75rem_minmax(0,1fr)] gap-x-3 py-2.5 text-[13px] tabular-nums"
    >
      <span className="pt-px">
        <span className="sr-only">Reward </span>
        <span className="font-medium">{score(run.reward)}</span>
        <span aria-hidden className="mt-1.5 block h-1 overflow-hidden rounded-full bg-muted">
          <span className="block h-full rounded-full bg-primary" style={{ width: `${100 * run.reward}%` }} />
        </span>
      </span>
      <span className="min-w-0 space-y-1">
        <span className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5">
          <RunLink {...run}>
            <time dateTime={new Date(run.at * 1000).toISOString()} title={exactTime(run.at)}>
              {run.taskId === MAIN ? "Answer" : `Task ${run.taskId}`} of {ago(run.at, now)}
            </time>
          </RunLink>
          <RunLink {...run} why className="text-xs">
            Its Why
          </RunLink>
          <span className="ml-auto text-muted-foreground text-xs">{countsWords(run)}</span>
        </span>
        <ul className="space-y-0.5 text-xs">
          {loudestFirst(run.signals).map((heard) => (
            <li key={heard.name} data-slot="heard" data-signal={heard.name} className="flex gap-x-3">
              <span className="min-w-0 flex-1 break-words">{heardWords(heard)}</span>
              <span className="shrink-0 text-muted-foreground" title={`Its value: ${heard.means}`}>
                {score(heard.value)} × {heard.counts.toFixed(2)}
              </span>
            </li>
          ))}
        </ul>
      </span>
    </li>
  );
}
