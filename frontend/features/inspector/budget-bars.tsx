"use client";

import { figuresOf } from "@/features/inspector/task-figures";
import { useLens, useMoment } from "@/features/inspector/use-lens";
import { budgetSentence } from "@/lib/budget-words";
import { cn } from "@/lib/cn";
import { count, duration, shortDuration } from "@/lib/format";
import { isOver, type TaskState } from "@/lib/task-state";

/** What the task took, and how much of what it may take is left. */
export function BudgetBars({ task }: { task: TaskState }) {
  const { shown } = useLens();
  const now = useMoment(task.startedAt !== null && !isOver(task));
  const run = shown.get();
  if (run === undefined) return null;
  const figures = figuresOf(run, task, now);
  const used = figures.tokensIn + figures.tokensOut;
  const { budget } = task;
  return (
    <div data-slot="budget" className="space-y-2 text-[13px] tabular-nums">
      <dl className="flex flex-wrap gap-x-6 gap-y-1">
        <Figure name="Time" value={task.startedAt === null ? "–" : shortDuration(figures.ms)} />
        <Figure
          name="First token"
          value={figures.firstTokenMs === null ? "–" : duration(figures.firstTokenMs)}
        />
        <Figure name="Tokens in" value={count(figures.tokensIn)} />
        <Figure name="Tokens out" value={count(figures.tokensOut)} />
      </dl>
      {budget.tokens > 0 ? (
        <Bar
          name="Tokens left"
          share={1 - used / budget.tokens}
          words={`${count(Math.max(0, budget.tokens - used))} of ${count(budget.tokens)}`}
        />
      ) : null}
      {budget.seconds > 0 ? (
        <Bar
          name="Time left"
          share={1 - figures.ms / 1000 / budget.seconds}
          words={`${shortDuration(Math.max(0, budget.seconds * 1000 - figures.ms))} of ${shortDuration(budget.seconds * 1000)}`}
        />
      ) : null}
      {budget.reached.map((each, at) => (
        <p key={at} className="text-caution text-xs">
          {budgetSentence(each)}
        </p>
      ))}
    </div>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt className="text-faint-foreground text-xs">{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Bar({ name, share, words }: { name: string; share: number; words: string }) {
  const left = Math.min(1, Math.max(0, share));
  return (
    <div className="grid grid-cols-[6rem_1fr_auto] items-center gap-3 text-xs">
      <span className="text-faint-foreground">{name}</span>
      <div
        role="meter"
        aria-label={name}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(left * 100)}
        aria-valuetext={words}
        className="h-1 overflow-hidden rounded-full bg-muted"
      >
        <div
          className={cn(
            "h-full rounded-full bg-primary",
            left < 0.2 && "bg-caution",
            left === 0 && "bg-destructive",
          )}
          style={{ width: `${left * 100}%` }}
        />
      </div>
      <span className="text-muted-foreground">{words}</span>
    </div>
  );
}
