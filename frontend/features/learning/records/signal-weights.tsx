"use client";

import { ChevronRight } from "lucide-react";
import { useId } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { KIND_WORDS, signalName } from "@/lib/belief-words";
import type { DraftProblems } from "@/lib/preference-draft";
import type { SignalRow } from "@/lib/records-api";

const KINDS = ["explicit", "implicit", "automatic"] as const;

interface SignalWeightsProps {
  rows: readonly SignalRow[];
  weights: Readonly<Record<string, string>>;
  problems: DraftProblems;
  onChange: (name: string, weight: string) => void;
}

/** The table of rewards: how much each signal says, as the owner has it. */
export function SignalWeights({ rows, weights, problems, onChange }: SignalWeightsProps) {
  const isOpen = rows.some(({ weight, usual }) => weight !== usual);
  return (
    <details data-slot="signal-weights" open={isOpen || undefined} className="group/weights">
      <summary className="flex w-fit list-none items-center gap-1.5 text-[13px] leading-7 hover:text-foreground [&::-webkit-details-marker]:hidden">
        <ChevronRight
          aria-hidden
          className="size-3.5 text-faint-foreground transition-transform group-open/weights:rotate-90"
        />
        How much each signal says
      </summary>
      <p className="max-w-2xl text-pretty pt-1 pb-3 text-muted-foreground text-xs">
        The reward of a task, from 0 to 1, is the mean of all that was heard of it, by these weights: 1 is a
        clear word, 0 leaves a signal out. What you do counts at most half of what you say, and what Alma sees
        at most a quarter of both.
      </p>
      {KINDS.map((kind) => (
        <section key={kind} aria-label={KIND_WORDS[kind]}>
          <h4 className="border-b pt-2 pb-1 text-faint-foreground text-xs">{KIND_WORDS[kind]}</h4>
          <ul className="divide-y">
            {rows
              .filter((row) => row.kind === kind)
              .map((row) => (
                <WeightRow
                  key={row.name}
                  row={row}
                  weight={weights[row.name] ?? ""}
                  problem={problems[row.name]}
                  onChange={(weight) => onChange(row.name, weight)}
                />
              ))}
          </ul>
        </section>
      ))}
    </details>
  );
}

interface WeightRowProps {
  row: SignalRow;
  weight: string;
  problem: string | undefined;
  onChange: (weight: string) => void;
}

function WeightRow({ row: { name, usual, means }, weight, problem, onChange }: WeightRowProps) {
  const id = useId();
  return (
    <li
      data-slot="signal-weight"
      data-signal={name}
      className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 py-1.5 text-[13px]"
    >
      <label htmlFor={id} className="min-w-0">
        {signalName(name)}
        <span id={`${id}-help`} className="block text-muted-foreground text-xs">
          {means}
        </span>
      </label>
      <span className="flex items-center gap-2">
        {weight === String(usual) ? null : (
          <Button size="sm" variant="quiet" className="px-1" onClick={() => onChange(String(usual))}>
            usually {usual}
          </Button>
        )}
        <Input
          id={id}
          inputMode="decimal"
          value={weight}
          aria-invalid={problem !== undefined}
          aria-describedby={problem === undefined ? `${id}-help` : `${id}-problem`}
          onChange={({ target }) => onChange(target.value)}
          className="h-7 w-16 text-right tabular-nums aria-invalid:border-destructive"
        />
      </span>
      {problem === undefined ? null : (
        <p
          id={`${id}-problem`}
          data-slot="preference-problem"
          className="col-span-2 pt-1 text-destructive text-xs"
        >
          {problem}
        </p>
      )}
    </li>
  );
}
