"use client";

import { History, Square } from "lucide-react";
import { memo } from "react";
import { AgentDot } from "@/components/agent-dot";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { useOnline, useView } from "@/hooks/use-session";
import { usePart, useStore } from "@/hooks/use-store";
import { agentColourVar } from "@/lib/agent-colour";
import { cn } from "@/lib/cn";
import { plural, shortDuration } from "@/lib/format";
import { go } from "@/lib/location";
import { serverNow } from "@/lib/server-clock";
import { session } from "@/lib/session";
import { depthOf, isCut, isOver, type TaskState } from "@/lib/task-state";
import {
  CUT_HINT,
  elapsedMs,
  isCached,
  lastWords,
  type StateWords,
  taskTitle,
  tokensOf,
} from "@/lib/task-words";
import { quarterSeconds } from "@/lib/ticker";

interface TaskLineProps {
  threadId: string;
  runId: string;
  task: TaskState;
  /** How it stands; as its own prop, since it depends on other tasks. */
  words: StateWords["words"];
  tone: StateWords["tone"];
  /** The run goes on. */
  working: boolean;
}

const TONES: Record<StateWords["tone"], string> = {
  plain: "text-faint-foreground",
  good: "text-faint-foreground",
  bad: "text-destructive",
  ask: "text-caution",
};
/** From this depth on, lines are not moved further in. */
const DEEPEST = 4;

/** One task of a plan: whose it is, what it is about, how it stands. Leads to what is behind it. */
export const TaskLine = memo(function TaskLine(props: TaskLineProps) {
  const { threadId, runId, task, words, tone, working } = props;
  const view = useView();
  const chosen = view.inspect && view.task === task.id && (view.run === runId || view.run === null);
  const writing = working && task.status === "working" && !task.stopping;
  const inset = (Math.min(DEEPEST, depthOf(task.id)) - 1) * 20;
  return (
    <li
      data-slot="task"
      data-task={task.id}
      data-status={task.status}
      data-assignment={task.assignment}
      className="group/task flex items-center"
      style={{ paddingInlineStart: inset }}
    >
      <button
        type="button"
        aria-current={chosen || undefined}
        title={task.spec?.goal ?? ""}
        onClick={() => go({ run: runId, task: task.id, inspect: true })}
        className={cn(
          "-mx-2 flex min-h-8 min-w-0 flex-1 flex-wrap items-center gap-x-3 rounded-md px-2 py-1 text-left text-[13px] leading-5 transition-colors hover:bg-muted sm:flex-nowrap",
          chosen && "bg-muted",
        )}
      >
        <StateDot task={task} />
        <span className="w-20 shrink-0 truncate text-muted-foreground max-sm:sr-only">{task.role}</span>
        <span
          data-slot="task-title"
          className={cn(
            "min-w-0 truncate max-sm:flex-1 sm:max-w-[62%] sm:shrink-0",
            task.status === "submitted" && "text-muted-foreground",
            isOver(task) && task.status !== "completed" && "text-muted-foreground",
            writing && "sm:max-w-[46%] sm:shrink-0",
          )}
        >
          {taskTitle(task)}
        </span>
        {writing ? (
          <Tail threadId={threadId} runId={runId} taskId={task.id} otherwise={words} tone={tone} />
        ) : (
          <span
            data-slot="task-state"
            title={tone === "bad" ? words : isCut(task) ? CUT_HINT : undefined}
            className={cn(
              "min-w-0 truncate text-xs max-sm:shrink-0 max-sm:order-last max-sm:max-w-full max-sm:basis-full max-sm:pl-5",
              TONES[tone],
              words === "done" && "sr-only",
            )}
          >
            {words}
          </span>
        )}
        <TaskFigures threadId={threadId} runId={runId} task={task} live={working && !isOver(task)} />
      </button>
      {working ? <StopTask runId={runId} task={task} /> : null}
    </li>
  );
});

/** The agent's colour: a ring before it begins, breathing while it works, full when it has ended. */
function StateDot({ task }: { task: TaskState }) {
  if (task.status === "submitted" || task.status === "canceled" || task.status === "rejected") {
    return (
      <span
        aria-hidden
        className="inline-block size-2 shrink-0 rounded-full border-[1.5px]"
        style={{ borderColor: agentColourVar(task.role) }}
      />
    );
  }
  return <AgentDot role={task.role} className={task.status === "working" ? "animate-breathe" : undefined} />;
}

interface TailProps {
  threadId: string;
  runId: string;
  taskId: string;
  /** What is said while it is not writing. */
  otherwise: string;
  tone: StateWords["tone"];
}

/** The last words of what it is writing: their end in sight, what came before cut off. Not for reading aloud. */
function Tail({ threadId, runId, taskId, otherwise, tone }: TailProps) {
  const words = usePart(session.thread(threadId), (thread) => {
    const run = thread.runs.get(runId);
    return run === undefined ? "" : lastWords(run, taskId);
  });
  return (
    <>
      <span className="sr-only">{otherwise}</span>
      <span
        data-slot="task-tail"
        aria-hidden
        dir={words === "" ? undefined : "rtl"}
        className={cn(
          "min-w-0 flex-1 truncate text-left text-xs max-sm:order-last max-sm:basis-full max-sm:pl-5",
          TONES[words === "" ? tone : "plain"],
        )}
      >
        <bdi dir="ltr">{words === "" ? otherwise : words}</bdi>
      </span>
    </>
  );
}

function TaskFigures({
  threadId,
  runId,
  task,
  live,
}: Pick<TaskLineProps, "threadId" | "runId" | "task"> & { live: boolean }) {
  return (
    <span className="ml-auto flex shrink-0 items-center gap-3 pl-2 text-faint-foreground text-xs tabular-nums">
      {live && task.startedAt !== null ? (
        <LiveFigures threadId={threadId} runId={runId} task={task} />
      ) : (
        <Shown threadId={threadId} runId={runId} task={task} />
      )}
    </span>
  );
}

/** Four times a second; the words do not wait for it. */
function LiveFigures(props: Pick<TaskLineProps, "threadId" | "runId" | "task">) {
  useStore(quarterSeconds);
  return <Shown {...props} />;
}

function Shown({ threadId, runId, task }: Pick<TaskLineProps, "threadId" | "runId" | "task">) {
  const run = session.thread(threadId).get().runs.get(runId);
  const ms = task.reused === null ? elapsedMs(task, serverNow()) : null;
  const tokens = run === undefined ? 0 : tokensOf(run, task.id);
  return (
    <>
      {run !== undefined && isCached(run, task.id) ? (
        <History
          data-slot="task-cached"
          role="img"
          aria-label="From the cache"
          data-tip="From the cache"
          className="size-3.5 shrink-0"
        />
      ) : null}
      <span data-slot="task-tokens" className="w-18 text-right max-sm:hidden">
        {tokens > 0 ? plural(tokens, "token") : ""}
      </span>
      <span data-slot="task-seconds" className="min-w-10 text-right">
        {ms === null ? "" : shortDuration(ms)}
      </span>
    </>
  );
}

function StopTask({ runId, task }: { runId: string; task: TaskState }) {
  const online = useOnline();
  const label = `Stop task ${task.id}`;
  if (isOver(task) || !online) return <span className="ml-1 size-7 shrink-0" />;
  return (
    <Tooltip label={task.stopping ? "Stopping" : label}>
      <Button
        variant="ghost"
        size="icon-sm"
        data-slot="stop-task"
        aria-label={`${label}: ${taskTitle(task)}`}
        disabled={task.stopping}
        className="ml-1 opacity-0 transition-opacity focus-visible:opacity-100 group-focus-within/task:opacity-100 group-hover/task:opacity-100 pointer-coarse:opacity-100"
        onClick={() => session.stopTask(runId, task.id)}
      >
        <Square aria-hidden className="!size-2.5 fill-current" />
      </Button>
    </Tooltip>
  );
}
