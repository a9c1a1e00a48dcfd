"use client";

import { useEffect, useMemo, useRef } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Kbd } from "@/components/ui/kbd";
import { ExperimentLink } from "@/features/learning/experiments/experiment-link";
import { useStore } from "@/hooks/use-store";
import { useTask } from "@/hooks/use-task";
import { type Better, experimentsApi, type Pair } from "@/lib/experiments-api";
import { plural } from "@/lib/format";
import { Remote } from "@/lib/remote";

const KEYS: Readonly<Record<string, Better>> = { "1": "one", "2": "other", "0": "tie", "=": "tie" };

/** Two answers to the same task, without whose they are: which is better? */
export function Judging({ id }: { id: string }) {
  const skipped = useRef<string[]>([]);
  const next = useMemo(
    () => new Remote((signal) => experimentsApi.nextPair(id, skipped.current, signal)),
    [id],
  );
  const { value, error } = useStore(next.state);
  useEffect(() => void next.load(), [next]);
  return (
    <div data-slot="judging" className="space-y-5">
      <ExperimentLink
        place={{ show: "one", id }}
        className="text-muted-foreground text-xs hover:text-foreground"
      >
        ← Back to the experiment
      </ExperimentLink>
      <h2 className="font-medium text-sm">Which answer is better?</h2>
      {error === null ? null : (
        <Problem facts={error}>
          <Button size="sm" onClick={() => void next.load()}>
            Try again
          </Button>
        </Problem>
      )}
      {value === null ? null : value.pair === null ? (
        <p data-slot="no-pair" role="status" className="border-y py-6 text-[13px] text-muted-foreground">
          There is no pair left to compare. The experiment shows what came of it.
        </p>
      ) : (
        <Compared
          id={id}
          pair={value.pair}
          onSaid={() => next.load()}
          onSkip={() => {
            skipped.current = [
              ...skipped.current.filter((key) => key !== value.pair?.key),
              value.pair?.key ?? "",
            ];
            void next.load();
          }}
        />
      )}
    </div>
  );
}

interface ComparedProps {
  id: string;
  pair: Pair;
  onSaid: () => Promise<void>;
  onSkip: () => void;
}

function Compared({ id, pair, onSaid, onSkip }: ComparedProps) {
  const { busy, problem, run } = useTask();
  const say = (better: Better): void => {
    if (!busy)
      void run(async () => {
        await experimentsApi.say(id, pair.key, better);
        await onSaid();
      });
  };
  const said = useRef({ say, onSkip });
  said.current = { say, onSkip };
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const better = KEYS[event.key];
      const skips = event.key === "s" && pair.left > 1;
      if ((better === undefined && !skips) || event.ctrlKey || event.metaKey || event.altKey || event.repeat)
        return;
      if (event.target instanceof HTMLElement && event.target.matches("input, textarea, select")) return;
      event.preventDefault();
      if (better === undefined) said.current.onSkip();
      else said.current.say(better);
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [pair.left]);
  return (
    <div data-slot="pair" data-key={pair.key} aria-busy={busy} className="space-y-4">
      <div className="space-y-1 text-[13px]">
        <p dir="auto" className="whitespace-pre-wrap break-words">
          {pair.task}
        </p>
        {pair.expected === null ? null : (
          <p dir="auto" className="text-muted-foreground">
            Expected: {pair.expected}
          </p>
        )}
      </div>
      <div className="grid gap-4 sm:grid-cols-2">
        <Answer
          label="Left"
          slot="answer-one"
          text={pair.one}
          busy={busy}
          keyName="1"
          onPick={() => say("one")}
        />
        <Answer
          label="Right"
          slot="answer-other"
          text={pair.other}
          busy={busy}
          keyName="2"
          onPick={() => say("other")}
        />
      </div>
      <div className="flex flex-wrap items-center gap-3">
        <Button data-slot="answers-equal" disabled={busy} onClick={() => say("tie")}>
          Equally good <Kbd>0</Kbd>
        </Button>
        <Button variant="ghost" data-slot="skip-pair" disabled={busy || pair.left < 2} onClick={onSkip}>
          Skip <Kbd>S</Kbd>
        </Button>
        <span data-slot="pairs-left" className="text-muted-foreground text-xs tabular-nums">
          {plural(pair.left, "pair")} left, with this one
        </span>
      </div>
      {problem === null ? null : <Problem facts={problem} />}
    </div>
  );
}

interface AnswerProps {
  label: string;
  slot: string;
  text: string;
  keyName: string;
  busy: boolean;
  onPick: () => void;
}

function Answer({ label, slot, text, keyName, busy, onPick }: AnswerProps) {
  return (
    <section
      aria-label={`${label} answer`}
      data-slot={slot}
      className="flex min-w-0 flex-col gap-3 border-t pt-3"
    >
      <p
        dir="auto"
        className="max-h-[50vh] flex-1 overflow-y-auto whitespace-pre-wrap break-words text-sm"
        tabIndex={0}
      >
        {text === "" ? <span className="text-faint-foreground">An empty answer.</span> : text}
      </p>
      <Button disabled={busy} onClick={onPick} className="max-sm:h-10">
        {label} is better <Kbd>{keyName}</Kbd>
      </Button>
    </section>
  );
}
