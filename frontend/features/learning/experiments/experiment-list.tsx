"use client";

import { Plus } from "lucide-react";
import { useEffect } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { ExperimentLink, goToExperiments } from "@/features/learning/experiments/experiment-link";
import { ProgressBar } from "@/features/learning/experiments/progress-bar";
import { StateChip } from "@/features/learning/experiments/state-chip";
import { useStore } from "@/hooks/use-store";
import { progressWords, shapeWords } from "@/lib/experiment-words";
import { experiments } from "@/lib/experiments";
import type { Experiment } from "@/lib/experiments-api";

const EVERY_MS = 2_000;

/** All experiments, the newest first, with how far they are. */
export function ExperimentList() {
  const { value, error } = useStore(experiments.state);
  useEffect(() => experiments.follow(EVERY_MS), []);
  return (
    <section aria-labelledby="experiments-title" className="space-y-5">
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="max-w-xl space-y-1">
          <h2 id="experiments-title" className="font-medium text-sm">
            Experiments
          </h2>
          <p className="text-pretty text-[13px] text-muted-foreground">
            The same tasks, done in several ways, and a verdict in words on which way is better, how surely,
            and how many tasks it would take to know. Its runs are not among your conversations.
          </p>
        </div>
        <div className="flex flex-wrap gap-2">
          {value === null || value.length < 2 ? null : (
            <Button
              data-slot="compare-experiments"
              className="max-sm:h-10"
              onClick={() => goToExperiments({ show: "compare", a: "", b: "" })}
            >
              Compare two
            </Button>
          )}
          <Button
            variant="primary"
            data-slot="new-experiment"
            className="max-sm:h-10"
            onClick={() => goToExperiments({ show: "new" })}
          >
            <Plus aria-hidden /> New experiment
          </Button>
        </div>
      </div>
      {error === null ? null : (
        <Problem facts={error}>
          <Button size="sm" onClick={() => void experiments.load()}>
            Try again
          </Button>
        </Problem>
      )}
      {value === null ? null : value.length === 0 ? (
        <p data-slot="no-experiments" className="border-y py-6 text-[13px] text-muted-foreground">
          There is none yet. Ask whether a shorter prompt, another model or memory does better: give two
          variants and a handful of tasks whose answers you know.
        </p>
      ) : (
        <ul data-slot="experiments" className="divide-y border-y">
          {value.map((one) => (
            <Row key={one.id} experiment={one} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Row({ experiment }: { experiment: Experiment }) {
  const { id, name, state, states } = experiment;
  return (
    <li data-slot="experiment-row" data-id={id}>
      <ExperimentLink
        place={{ show: "one", id }}
        className="-mx-2 block space-y-1.5 rounded px-2 py-3 hover:bg-accent/60"
      >
        <span className="flex items-baseline gap-3">
          <span className="min-w-0 flex-1 truncate font-medium text-[13px]">{name}</span>
          <StateChip state={state} />
        </span>
        {state === "draft" ? null : <ProgressBar label={`Progress of ${name}`} states={states} />}
        <span className="flex flex-wrap gap-x-3 text-muted-foreground text-xs tabular-nums">
          <span>{shapeWords(experiment)}</span>
          {state === "draft" ? null : <span>{progressWords(states)}</span>}
          <time dateTime={new Date(experiment.createdAt * 1000).toISOString()}>
            {new Date(experiment.createdAt * 1000).toLocaleString("en", {
              dateStyle: "medium",
              timeStyle: "short",
              hour12: false,
            })}
          </time>
        </span>
      </ExperimentLink>
    </li>
  );
}
