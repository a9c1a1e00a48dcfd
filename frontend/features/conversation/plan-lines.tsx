"use client";

import { ChevronRight } from "lucide-react";
import { memo, useId, useState } from "react";
import { AgentDot } from "@/components/agent-dot";
import { TaskLine } from "@/features/conversation/task-line";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { shortDuration } from "@/lib/format";
import { type Fork, MAIN } from "@/lib/protocol";
import type { RunState } from "@/lib/run-state";
import { serverNow } from "@/lib/server-clock";
import { isOver, type TaskState } from "@/lib/task-state";
import { plannedTasks, planProgress, planSummary, stateWords } from "@/lib/task-words";
import { quarterSeconds } from "@/lib/ticker";

interface PlanLinesProps {
  threadId: string;
  runId: string;
  tasks: RunState["tasks"];
  paused: boolean;
  fork: Fork | null;
  /** The run goes on. */
  working: boolean;
}

/** A planned run above its answer: a line per task, and one for them all once they are done. */
export const PlanLines = memo(function PlanLines(props: PlanLinesProps) {
  const { threadId, runId, tasks, paused, fork, working } = props;
  const planned = plannedTasks(tasks);
  const done = planned.every(isOver);
  const [chosen, setChosen] = useState<boolean | null>(null);
  const listId = useId();
  const plan = tasks.get(MAIN)?.plan;
  const undecided = plan?.needsApproval === true && plan.decided === null;
  if (planned.length === 0 || (undecided && working)) return null;
  const open = chosen ?? !done;
  const roles = [...new Set(planned.map(({ role }) => role))];
  return (
    // What streams here is seen; a screen reader hears of the steps below.
    <section data-slot="plan" data-open={open} aria-label="Plan" aria-live="off" className="text-[13px]">
      <button
        type="button"
        data-slot="plan-summary"
        aria-expanded={open}
        aria-controls={listId}
        onClick={() => setChosen(!open)}
        className="-mx-2 flex h-8 max-w-full items-center gap-2 rounded-md px-2 text-muted-foreground tabular-nums transition-colors hover:text-foreground"
      >
        <ChevronRight aria-hidden className={cn("size-3.5 transition-transform", open && "rotate-90")} />
        {open ? null : (
          <span aria-hidden className="flex items-center gap-1">
            {roles.map((role) => (
              <AgentDot key={role} role={role} />
            ))}
          </span>
        )}
        <span className="truncate">
          {done ? planSummary(tasks) : planProgress(tasks)}
          {!done && working ? <Elapsed tasks={planned} /> : null}
          {paused && working ? " · paused" : ""}
          {fork === null
            ? ""
            : ` · forked at ${fork.task_id === MAIN ? "its beginning" : `task ${fork.task_id}`}`}
        </span>
      </button>
      {open ? (
        <ol id={listId} className="mt-1">
          {planned.map((task) => {
            const { words, tone } = stateWords(task, tasks, paused);
            return (
              <TaskLine
                key={task.id}
                threadId={threadId}
                runId={runId}
                task={task}
                words={words}
                tone={tone}
                working={working}
              />
            );
          })}
        </ol>
      ) : null}
      {working ? (
        <p role="status" className="sr-only">
          {planProgress(tasks)}
        </p>
      ) : null}
    </section>
  );
});

function Elapsed({ tasks }: { tasks: readonly TaskState[] }) {
  useStore(quarterSeconds);
  const starts = tasks.flatMap(({ startedAt }) => startedAt ?? []);
  if (starts.length === 0) return null;
  return ` · ${shortDuration(Math.max(0, serverNow() - Math.min(...starts)))}`;
}
