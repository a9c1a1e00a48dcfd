"use client";

import { useMemo } from "react";
import { AgentDot } from "@/components/agent-dot";
import { figuresOf, resultOf } from "@/features/inspector/task-figures";
import { statusWord } from "@/features/inspector/task-status";
import { cn } from "@/lib/cn";
import { plural, shortDuration } from "@/lib/format";
import { MAIN } from "@/lib/protocol";
import type { RunState } from "@/lib/run-state";
import { serverNow } from "@/lib/server-clock";
import type { TaskState } from "@/lib/task-state";
import { taskTitle } from "@/lib/task-words";
import { type DiffPart, diffWords } from "@/lib/word-diff";

interface CompareTaskProps {
  taskId: string;
  before: RunState;
  after: RunState;
}

/** One task in both runs: what differs of its goal and of its result is marked; what is the same takes one line. */
export function CompareTask({ taskId, before, after }: CompareTaskProps) {
  const [a, b] = [before.tasks.get(taskId), after.tasks.get(taskId)];
  const name = b ?? a;
  const textA = a === undefined ? "" : resultOf(before, a);
  const textB = b === undefined ? "" : resultOf(after, b);
  if (name === undefined) return null;
  const same = a !== undefined && b !== undefined && textA === textB && a.spec?.goal === b.spec?.goal;
  return (
    <section
      data-slot="compare-task"
      data-task={taskId}
      data-same={same}
      className="space-y-2 border-b px-5 py-3 last:border-0"
    >
      <h3 className="flex items-baseline gap-2 text-[13px]">
        <AgentDot role={name.role || "manager"} />
        <span className="min-w-0 truncate font-medium">
          {taskId === MAIN ? "The joined answer" : taskTitle(name)}
        </span>
        {same ? (
          <span className="ml-auto whitespace-nowrap text-faint-foreground text-xs">
            {b.reused === null ? "the same" : "taken over, not done again"}
          </span>
        ) : null}
      </h3>
      {same ? null : (
        <>
          <Goals a={a} b={b} />
          <Sides>
            <Facts name="Beside" run={before} task={a} />
            <Facts name="This run" run={after} task={b} />
          </Sides>
          <Difference before={textA} after={textB} />
        </>
      )}
    </section>
  );
}

function Sides({ children }: { children: React.ReactNode }) {
  return <div className="grid gap-x-6 gap-y-2 @md:grid-cols-2">{children}</div>;
}

function Goals({ a, b }: { a: TaskState | undefined; b: TaskState | undefined }) {
  const [before, after] = [a?.spec?.goal ?? "", b?.spec?.goal ?? ""];
  const parts = useMemo(() => diffWords(before, after), [before, after]);
  if (before === after || a === undefined || b === undefined) return null;
  return (
    <p className="text-muted-foreground text-xs leading-5">
      <Marked parts={parts} shown={["same", "removed", "added"]} />
    </p>
  );
}

function Facts({ name, run, task }: { name: string; run: RunState; task: TaskState | undefined }) {
  if (task === undefined) return <p className="text-faint-foreground text-xs">{name}: not there</p>;
  const figures = figuresOf(run, task, task.endedAt ?? serverNow());
  return (
    <p className="text-faint-foreground text-xs tabular-nums">
      {name}:{" "}
      {[
        task.role,
        task.model,
        statusWord(task),
        shortDuration(figures.ms),
        `${plural(figures.tokensOut, "token")} out`,
      ]
        .filter(Boolean)
        .join(" · ")}
    </p>
  );
}

/** Side by side where there is room, else as one text with both. */
function Difference({ before, after }: { before: string; after: string }) {
  const parts = useMemo(() => diffWords(before, after), [before, after]);
  const text = "whitespace-pre-wrap break-words text-[13px] leading-5";
  return (
    <>
      <p className={cn(text, "@md:hidden")}>
        <Marked parts={parts} shown={["same", "removed", "added"]} />
      </p>
      <div className="grid grid-cols-2 gap-x-6 @max-md:hidden">
        <p className={text}>
          <Marked parts={parts} shown={["same", "removed"]} />
        </p>
        <p className={text}>
          <Marked parts={parts} shown={["same", "added"]} />
        </p>
      </div>
    </>
  );
}

function Marked({ parts, shown }: { parts: readonly DiffPart[]; shown: readonly DiffPart["kind"][] }) {
  return parts
    .filter(({ kind }) => shown.includes(kind))
    .map(({ kind, text }, at) =>
      kind === "same" ? (
        <span key={at}>{text}</span>
      ) : kind === "removed" ? (
        <del
          key={at}
          className="rounded-xs bg-destructive-tint text-destructive no-underline decoration-clone"
        >
          {text}
        </del>
      ) : (
        <ins
          key={at}
          className="rounded-xs bg-primary-tint text-primary no-underline decoration-clone [del+&]:ml-1"
        >
          {text}
        </ins>
      ),
    );
}
