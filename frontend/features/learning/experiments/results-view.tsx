"use client";

import { useEffect } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { ComparisonTable } from "@/features/learning/experiments/comparison-table";
import { FiguresTable } from "@/features/learning/experiments/figures-table";
import { PromoteForm } from "@/features/learning/experiments/promote-form";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { basisWords, behindBy, judgeWords } from "@/lib/experiment-words";
import type { OpenExperiment } from "@/lib/experiments";
import { type ExperimentStanding, reportAddress } from "@/lib/experiments-api";

const LIVE_MS = 5_000;
const QUIET_MS = 60_000;

/** The verdict in words, and what it rests on; of what is done until now. */
export function ResultsView({ open, standing }: { open: OpenExperiment; standing: ExperimentStanding }) {
  const { value, error } = useStore(open.results.state);
  const { state } = standing;
  useEffect(() => open.results.follow(state === "running" ? LIVE_MS : QUIET_MS), [open, state]);
  const behind = value === null ? 0 : behindBy(value.figures, standing.states);
  // Both are asked for at their own times: what is older is asked for again, so that they do not contradict each other.
  useEffect(() => {
    const older = behind > 0 ? open.results : behind < 0 ? open.standing : null;
    if (older !== null && !older.state.get().loading) void older.load();
  }, [open, behind]);
  if (value === null)
    return error === null ? null : (
      <Problem facts={error}>
        <Button size="sm" onClick={() => void open.results.load()}>
          Try again
        </Button>
      </Problem>
    );
  const evaluators = [...new Set(value.comparisons.map(({ evaluator }) => evaluator))];
  return (
    <section
      aria-labelledby="results-title"
      aria-busy={behind > 0}
      data-slot="results"
      className={cn("space-y-6", behind > 0 && "opacity-60")}
    >
      <div className="space-y-2">
        <h3 id="results-title" className="font-medium text-sm">
          {state === "running" ? basisWords(value.figures) : "The verdict"}
        </h3>
        <ul data-slot="verdict" className="space-y-1 text-pretty text-sm">
          {value.verdict.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      </div>
      <FiguresTable figures={value.figures} winner={value.winner} />
      {evaluators.map((evaluator) => (
        <ComparisonTable
          key={evaluator}
          evaluator={evaluator}
          rows={value.comparisons.filter((one) => one.evaluator === evaluator)}
        />
      ))}
      {value.judges.map((one) => (
        <p key={one.judge} data-slot="judge-words" className="text-pretty text-[13px] text-muted-foreground">
          {judgeWords(one)}
        </p>
      ))}
      <details className="text-[13px] text-muted-foreground">
        <summary className="cursor-pointer hover:text-foreground">Why these numbers</summary>
        <p className="max-w-2xl text-pretty pt-2">
          Each task is compared with itself: the variant’s score less the baseline’s, the mean over its times.
          A run that failed counts 0. Intervals hold the true difference in 95 of 100 experiments like this
          one (bootstrap, BCa); p is how often chance alone gives as much (signs flipped), corrected after
          Holm for all comparisons here. Effect is the difference in standard deviations. A variant is called
          better only where both the interval and p say so. Slices are to look at; their p is not told.
        </p>
      </details>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-[13px]">
        <span className="text-muted-foreground">Download</span>
        {(["md", "csv", "svg"] as const).map((form) => (
          <a
            key={form}
            href={reportAddress(standing.id, form)}
            download={`${standing.id}.${form}`}
            data-slot={`download-${form}`}
            className="text-primary underline decoration-primary/40 underline-offset-3 hover:decoration-primary"
          >
            {{ md: "Report (Markdown)", csv: "All runs (CSV)", svg: "Picture (SVG)" }[form]}
          </a>
        ))}
      </div>
      {state === "running" ? null : <PromoteForm standing={standing} winner={value.winner} />}
    </section>
  );
}
