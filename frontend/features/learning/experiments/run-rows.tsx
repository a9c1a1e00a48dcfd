"use client";

import { useEffect, useMemo, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { RunLink } from "@/features/learning/run-link";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { points, progressOf } from "@/lib/experiment-words";
import { type Cell, type ExperimentStanding, experimentsApi } from "@/lib/experiments-api";
import { count, duration } from "@/lib/format";
import { MAIN } from "@/lib/protocol";
import { Remote } from "@/lib/remote";

const FAILED = "failed";
const QUIET_MS = 15_000;

/** The runs behind the numbers: those that failed, with why, or all of a variant. */
export function RunRows({ standing }: { standing: ExperimentStanding }) {
  const { id, variants, states } = standing;
  const { failed } = progressOf(states);
  const [shown, setShown] = useState<string | null>(failed > 0 ? FAILED : null);
  const toggle = (which: string): void => setShown(shown === which ? null : which);
  return (
    <section aria-labelledby="runs-title" className="space-y-2">
      <h3 id="runs-title" className="font-medium text-sm">
        The runs
      </h3>
      <div role="group" aria-label="Which runs" className="flex flex-wrap gap-0.5">
        {[...(failed > 0 ? [FAILED] : []), ...variants.map((name) => `of ${name}`)].map((which) => (
          <Button
            key={which}
            size="sm"
            variant="ghost"
            data-slot="show-runs"
            data-which={which}
            aria-pressed={shown === which}
            className={cn("font-normal max-sm:h-9", shown === which && "bg-accent text-foreground")}
            onClick={() => toggle(which)}
          >
            {which === FAILED ? `Failed (${count(failed)})` : which.slice(3)}
          </Button>
        ))}
      </div>
      {shown === null ? null : <Rows key={shown} id={id} which={shown} />}
    </section>
  );
}

function Rows({ id, which }: { id: string; which: string }) {
  const found = useMemo(
    () =>
      new Remote((signal) =>
        experimentsApi.runs(id, which === FAILED ? { state: FAILED } : { variant: which.slice(3) }, signal),
      ),
    [id, which],
  );
  useEffect(() => found.follow(QUIET_MS), [found]);
  const { value, error } = useStore(found.state);
  if (value === null)
    return error === null ? null : (
      <Problem facts={error}>
        <Button size="sm" onClick={() => void found.load()}>
          Try again
        </Button>
      </Problem>
    );
  return (
    <>
      <ul data-slot="experiment-runs" className="divide-y border-y text-[13px]">
        {value.runs.map((cell) => (
          <Row key={`${cell.variant}:${cell.row}:${cell.seed}`} cell={cell} />
        ))}
      </ul>
      {value.total > value.runs.length ? (
        <p className="text-muted-foreground text-xs">
          The first {count(value.runs.length)} of {count(value.total)}; the CSV has all.
        </p>
      ) : null}
    </>
  );
}

function Row({ cell }: { cell: Cell }) {
  const scores = Object.entries(cell.scores).map(([name, value]) => `${name} ${points(value)}`);
  const why = [...new Set(Object.values(cell.why))];
  return (
    <li data-slot="experiment-run" data-state={cell.state} className="space-y-0.5 py-2">
      <div className="flex flex-wrap items-baseline gap-x-3">
        <span dir="auto" className="min-w-0 flex-1 truncate">
          {cell.task}
        </span>
        {cell.threadId === "" ? (
          <span className="text-faint-foreground text-xs">
            {cell.runId === "" ? cell.state : "in an Alma of its own"}
          </span>
        ) : (
          <RunLink threadId={cell.threadId} runId={cell.runId} taskId={MAIN} className="text-xs">
            Look at the run
          </RunLink>
        )}
      </div>
      {cell.error === "" ? (
        <p dir="auto" className="line-clamp-2 text-muted-foreground text-xs">
          {cell.answer}
        </p>
      ) : (
        <p data-slot="run-error" className="break-words text-destructive text-xs">
          {cell.error}
        </p>
      )}
      <p className="text-muted-foreground text-xs tabular-nums">
        {[
          cell.variant,
          `task ${cell.row}`,
          ...scores,
          ...(cell.ms > 0 ? [duration(cell.ms)] : []),
          ...why,
        ].join(" · ")}
      </p>
    </li>
  );
}
