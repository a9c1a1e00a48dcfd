"use client";

import { AgentText } from "@/features/inspector/agent-text";
import { figuresOf, stepWord } from "@/features/inspector/task-figures";
import { StatusSign, statusWord } from "@/features/inspector/task-status";
import { useFollowEnd } from "@/features/inspector/use-follow-end";
import { useColour, useLens, useMoment, useShown, useTask, useWhole } from "@/features/inspector/use-lens";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { count, shortDuration } from "@/lib/format";
import { taskOrder } from "@/lib/lanes";
import { go } from "@/lib/location";
import type { MessageState } from "@/lib/message-state";
import { MAIN } from "@/lib/protocol";
import { isOver, type TaskState } from "@/lib/task-state";
import { taskTitle } from "@/lib/task-words";

/** What every agent writes, side by side; the joined answer comes last. */
export function StreamsTab() {
  const tasks = useWhole((run) => run.tasks);
  const order = taskOrder(tasks ?? new Map()).map(({ id }) => id);
  const panes = [...order.filter((id) => id !== MAIN), MAIN];
  return (
    <div
      data-slot="streams"
      className="grid min-h-full auto-rows-[minmax(200px,1fr)] grid-cols-[repeat(auto-fit,minmax(min(100%,250px),1fr))] gap-px bg-border"
    >
      {panes.map((id) => (
        <Pane key={id} taskId={id} />
      ))}
    </div>
  );
}

function Pane({ taskId }: { taskId: string }) {
  const task = useTask(taskId);
  const whole = useWhole((run) => run.tasks.get(taskId));
  const colour = useColour(task ?? whole);
  const chosen = useView().task === taskId;
  const name = task ?? whole;
  const end = useFollowEnd();
  if (name === undefined) return null;
  return (
    <section
      data-slot="stream"
      data-task={taskId}
      aria-label={taskId === MAIN ? "The joined answer" : `Task ${taskId}: ${taskTitle(name)}`}
      className={cn(
        "flex min-h-0 min-w-0 flex-col bg-background [content-visibility:auto]",
        task === undefined && "text-faint-foreground",
      )}
    >
      <button
        type="button"
        aria-pressed={chosen}
        className="flex h-9 shrink-0 items-center gap-2 border-t-2 px-4 text-left text-xs hover:bg-muted/60"
        style={{ borderTopColor: colour }}
        onClick={() => go({ task: chosen ? null : taskId }, "replace")}
      >
        {task === undefined ? null : <StatusSign task={task} colour={colour} />}
        <span className="min-w-0 flex-1 truncate font-medium">
          {taskId === MAIN ? "Manager: the joined answer" : taskTitle(name)}
        </span>
        {task === undefined ? null : <PaneFigures task={task} />}
      </button>
      <div
        ref={end.box}
        tabIndex={0}
        role="log"
        aria-label={`Text of ${taskTitle(name)}`}
        aria-live="off"
        className="contain-strict min-h-0 flex-1 overflow-y-auto overscroll-contain px-4 pb-3 outline-offset-[-2px]"
      >
        <div ref={end.content} className="space-y-2">
          {task === undefined ? <p className="text-[13px]">Not planned yet.</p> : <PaneText task={task} />}
        </div>
      </div>
    </section>
  );
}

function PaneFigures({ task }: { task: TaskState }) {
  const now = useMoment(task.startedAt !== null && !isOver(task));
  const run = useLens().shown.get();
  if (task.startedAt === null || run === undefined)
    return <span className="text-faint-foreground">{statusWord(task)}</span>;
  const figures = figuresOf(run, task, now);
  return (
    <span className="whitespace-nowrap text-faint-foreground tabular-nums">
      {shortDuration(figures.ms)} · {count(figures.tokensOut)} t
    </span>
  );
}

function PaneText({ task }: { task: TaskState }) {
  if (task.messages.length === 0 && task.result !== "") return <AgentText text={task.result} />;
  if (task.error !== null && task.messages.length === 0)
    return <p className="text-[13px] text-destructive">{task.error.message}</p>;
  return (
    <>
      {task.messages.map((id) => (
        <Message key={id} id={id} />
      ))}
      {task.error === null ? null : <p className="text-[13px] text-destructive">{task.error.message}</p>}
    </>
  );
}

function Message({ id }: { id: string }) {
  const message = useShown((run) => run.messages.get(id));
  if (message === undefined) return null;
  const word = stepWord(message.step);
  return (
    <div data-slot="stream-message" data-message={id}>
      {word === null ? null : <p className="text-faint-foreground text-xs">{word}</p>}
      <Reasoning message={message} />
      {message.text === "" ? null : <AgentText text={message.text} />}
    </div>
  );
}

function Reasoning({ message }: { message: MessageState }) {
  if (message.reasoning === "") return null;
  return (
    <p className="whitespace-pre-wrap border-l-2 pl-2 text-muted-foreground text-xs leading-5">
      {message.reasoning}
    </p>
  );
}
