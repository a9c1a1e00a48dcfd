"use client";

import { useEffect, useId, useMemo } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { ComparisonTable } from "@/features/learning/experiments/comparison-table";
import { ExperimentLink, goToExperiments } from "@/features/learning/experiments/experiment-link";
import { useStore } from "@/hooks/use-store";
import { experiments } from "@/lib/experiments";
import { type Comparison, type Experiment, experimentsApi } from "@/lib/experiments-api";
import { Remote } from "@/lib/remote";

const QUIET_MS = 60_000;

/** Two experiments, on the tasks that are in both: the second against the first. */
export function Compared({ a, b }: { a: string; b: string }) {
  const { value, error } = useStore(experiments.state);
  useEffect(() => experiments.follow(QUIET_MS), []);
  const choose = (of: { a?: string; b?: string }): void =>
    goToExperiments({ show: "compare", a, b, ...of }, "replace");
  return (
    <section aria-labelledby="compared-title" data-slot="compared" className="space-y-6">
      <ExperimentLink
        place={{ show: "list" }}
        className="text-muted-foreground text-xs hover:text-foreground"
      >
        ← All experiments
      </ExperimentLink>
      <div className="max-w-xl space-y-1">
        <h2 id="compared-title" className="font-medium text-base">
          Two experiments
        </h2>
        <p className="text-pretty text-[13px] text-muted-foreground">
          What variants of the same name (else the baselines) did on the tasks that are in both, by the
          evaluators of both. Judges are left out: they know the baseline of their own experiment only.
        </p>
      </div>
      {error === null ? null : (
        <Problem facts={error}>
          <Button size="sm" onClick={() => void experiments.load()}>
            Try again
          </Button>
        </Problem>
      )}
      <div className="flex flex-wrap gap-4">
        <Choice
          label="The first"
          slot="compare-a"
          id={a}
          all={value ?? []}
          choose={(id) => choose({ a: id })}
        />
        <Choice
          label="The second, against it"
          slot="compare-b"
          id={b}
          all={value ?? []}
          choose={(id) => choose({ b: id })}
        />
      </div>
      {a === "" || b === "" ? null : <Differences key={`${a}:${b}`} a={a} b={b} />}
    </section>
  );
}

interface ChoiceProps {
  label: string;
  slot: string;
  id: string;
  all: readonly Experiment[];
  choose: (id: string) => void;
}

function Choice({ label, slot, id, all, choose }: ChoiceProps) {
  const of = useId();
  return (
    <div className="min-w-0 space-y-1 text-[13px]">
      <label htmlFor={of} className="block text-muted-foreground text-xs">
        {label}
      </label>
      <Select id={of} data-slot={slot} value={id} onChange={(event) => choose(event.target.value)}>
        <option value="">Choose an experiment</option>
        {all.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}, {new Date(one.createdAt * 1000).toLocaleDateString("en", { dateStyle: "medium" })}
          </option>
        ))}
      </Select>
    </div>
  );
}

function Differences({ a, b }: { a: string; b: string }) {
  const remote = useMemo(
    () =>
      new Remote<readonly Comparison[]>(
        async (signal) => (await experimentsApi.compare(a, b, signal)).comparisons,
      ),
    [a, b],
  );
  const { value, error } = useStore(remote.state);
  useEffect(() => remote.follow(QUIET_MS), [remote]);
  if (value === null)
    return error === null ? null : (
      <Problem facts={error}>
        <Button size="sm" onClick={() => void remote.load()}>
          Try again
        </Button>
      </Problem>
    );
  if (value.length === 0)
    return (
      <p data-slot="nothing-in-both" className="border-y py-6 text-[13px] text-muted-foreground">
        The two have no evaluator in common that scores answers by themselves.
      </p>
    );
  return (
    <>
      <ul data-slot="verdict" className="space-y-1 text-pretty text-sm">
        {value.map(({ words }) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
      {value.map((one) => (
        <ComparisonTable key={`${one.evaluator}:${one.variant}`} evaluator={one.evaluator} rows={[one]} />
      ))}
    </>
  );
}
