"use client";

import { useEffect, useMemo } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { ExperimentActions } from "@/features/learning/experiments/experiment-actions";
import { ExperimentLink, goToExperiments } from "@/features/learning/experiments/experiment-link";
import { ProgressBar } from "@/features/learning/experiments/progress-bar";
import { ResultsView } from "@/features/learning/experiments/results-view";
import { RunRows } from "@/features/learning/experiments/run-rows";
import { StateChip } from "@/features/learning/experiments/state-chip";
import { useStore } from "@/hooks/use-store";
import { progressOf, progressWords, shapeWords } from "@/lib/experiment-words";
import { OpenExperiment } from "@/lib/experiments";
import type { ExperimentStanding } from "@/lib/experiments-api";
import { money, plural } from "@/lib/format";

const LIVE_MS = 1_500;
const QUIET_MS = 15_000;

/** One experiment: how far it is, and what came of it. */
export function ExperimentPage({ id }: { id: string }) {
  const open = useMemo(() => new OpenExperiment(id), [id]);
  const { value, error } = useStore(open.standing.state);
  const isLive = value === null || value.state === "running" || value.busy > 0;
  useEffect(() => open.standing.follow(isLive ? LIVE_MS : QUIET_MS), [open, isLive]);
  return (
    <div data-slot="experiment-page" data-id={id} className="space-y-8">
      <ExperimentLink
        place={{ show: "list" }}
        data-slot="all-experiments"
        className="text-muted-foreground text-xs hover:text-foreground"
      >
        ← All experiments
      </ExperimentLink>
      {error === null ? null : (
        <Problem facts={error}>
          <Button size="sm" onClick={() => void open.standing.load()}>
            Try again
          </Button>
          <Button size="sm" data-slot="back-to-experiments" onClick={() => goToExperiments({ show: "list" })}>
            All experiments
          </Button>
        </Problem>
      )}
      {value === null ? null : (
        <>
          <Head standing={value} open={open} />
          {value.state === "draft" ? null : (
            <>
              <Progress standing={value} />
              <ResultsView open={open} standing={value} />
              <RunRows key={progressOf(value.states).failed} standing={value} />
            </>
          )}
        </>
      )}
    </div>
  );
}

function Head({ standing, open }: { standing: ExperimentStanding; open: OpenExperiment }) {
  return (
    <header className="space-y-3">
      <div className="space-y-1">
        <div className="flex items-baseline gap-3">
          <h2 dir="auto" className="min-w-0 break-words font-medium text-base">
            {standing.name}
          </h2>
          <StateChip state={standing.state} />
        </div>
        <p className="text-[13px] text-muted-foreground tabular-nums">
          {shapeWords(standing)}, scored by {standing.evaluators.join(", ")}, against {standing.baseline}
        </p>
      </div>
      {standing.error === "" ? null : (
        <p
          role="status"
          data-slot="experiment-halted"
          className="border-caution border-l-2 py-1 pl-4 text-[13px]"
        >
          {standing.error}
        </p>
      )}
      <ExperimentActions standing={standing} open={open} />
    </header>
  );
}

function Progress({ standing }: { standing: ExperimentStanding }) {
  const { states, progress, busy, cost } = standing;
  return (
    <section aria-label="Progress" className="space-y-2 text-[13px]">
      <p data-slot="progress-words" className="tabular-nums">
        {progressWords(states)}
        {busy > 0 ? `; ${plural(busy, "run")} under way` : ""}
        {cost > 0 ? `; ${money(cost)} until now` : ""}
      </p>
      <ul className="space-y-1.5">
        {Object.entries(progress).map(([variant, of]) => (
          <li key={variant} className="grid grid-cols-[minmax(0,10rem)_1fr] items-center gap-3">
            <span className="truncate text-muted-foreground text-xs">{variant}</span>
            <ProgressBar label={`Progress of ${variant}`} states={of} />
          </li>
        ))}
      </ul>
    </section>
  );
}
