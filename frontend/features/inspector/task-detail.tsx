"use client";

import { GitFork, Square, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { AgentText } from "@/features/inspector/agent-text";
import { AttemptList } from "@/features/inspector/attempt-list";
import { BudgetBars } from "@/features/inspector/budget-bars";
import { CallList } from "@/features/inspector/call-list";
import { ForkDialog } from "@/features/inspector/fork-dialog";
import { ModelCall } from "@/features/inspector/model-call";
import { Part } from "@/features/inspector/part";
import { TaskFeedback } from "@/features/inspector/task-feedback";
import { resultOf } from "@/features/inspector/task-figures";
import { TaskLink } from "@/features/inspector/task-link";
import { ChangedMemories, RecalledMemories } from "@/features/inspector/task-memory";
import { StatusSign, statusWord } from "@/features/inspector/task-status";
import { useColour, useLens, usePlayhead, useShown, useTask } from "@/features/inspector/use-lens";
import { go } from "@/lib/location";
import { MAIN } from "@/lib/protocol";
import { session } from "@/lib/session";
import { isOver, type TaskState } from "@/lib/task-state";
import { taskTitle } from "@/lib/task-words";

/** Everything about one task: what it is for, how it went, what it used, what it wrote and was given. */
export function TaskDetail({ taskId }: { taskId: string }) {
  const task = useTask(taskId);
  const colour = useColour(task);
  const close = (): void => go({ task: null }, "replace");
  if (task === undefined)
    return (
      <Head title={`Task ${taskId}`} onClose={close}>
        <p className="text-muted-foreground text-xs">There is no such task at this moment.</p>
      </Head>
    );
  return (
    <div data-slot="task-detail" data-task={taskId}>
      <Head
        title={task.id === MAIN ? "The manager’s own part" : taskTitle(task)}
        sign={<StatusSign task={task} colour={colour} className="mt-[3px]" />}
        onClose={close}
      >
        <p className="text-muted-foreground text-xs">
          {[task.id === MAIN ? null : `Task ${task.id}`, task.role, task.model, statusWord(task)]
            .filter(Boolean)
            .join(" · ")}
        </p>
        <Actions task={task} />
        <TaskFeedback task={task} />
      </Head>
      {task.error === null ? null : (
        <Part>
          <Problem facts={task.error} />
        </Part>
      )}
      <ChangedMemories task={task} />
      <Purpose task={task} />
      <Part>
        <BudgetBars task={task} />
        <AttemptList task={task} />
      </Part>
      <RecalledMemories task={task} />
      <Calls task={task} />
      <Written task={task} />
      <LastPrompt task={task} />
    </div>
  );
}

interface HeadProps {
  title: string;
  sign?: ReactNode;
  onClose: () => void;
  children: ReactNode;
}

function Head({ title, sign, onClose, children }: HeadProps) {
  return (
    <div className="sticky top-0 z-10 flex items-start gap-2 border-b bg-background py-2.5 pr-2 pl-5">
      {sign}
      <div className="min-w-0 flex-1 space-y-0.5">
        <h3 className="line-clamp-2 font-medium text-sm">{title}</h3>
        {children}
      </div>
      <Tooltip label="Close the task" shortcut="escape">
        <Button variant="ghost" size="icon-sm" aria-label="Close the task" onClick={onClose}>
          <X aria-hidden />
        </Button>
      </Tooltip>
    </div>
  );
}

function Actions({ task }: { task: TaskState }) {
  const { threadId, runId } = useLens();
  const past = usePlayhead() !== null;
  const [forking, setForking] = useState(false);
  if (past) return null;
  const stoppable = task.id !== MAIN && !isOver(task);
  return (
    <div className="flex gap-1.5 pt-1.5">
      {stoppable ? (
        <Button
          size="sm"
          data-slot="stop-this"
          disabled={task.stopping}
          onClick={() => session.stopTask(runId, task.id)}
        >
          <Square aria-hidden className="!size-3" />
          {task.stopping ? "Stopping" : "Stop"}
        </Button>
      ) : null}
      {task.id === MAIN ? null : (
        <Button size="sm" data-slot="fork-task" onClick={() => setForking(true)}>
          <GitFork aria-hidden className="!size-3.5" />
          Fork…
        </Button>
      )}
      {forking ? (
        <ForkDialog threadId={threadId} runId={runId} task={task} onClose={() => setForking(false)} />
      ) : null}
    </div>
  );
}

function Purpose({ task }: { task: TaskState }) {
  const { spec } = task;
  if (spec === null) return null;
  const { depends_on = [], inputs = [], expected, done_when, review_of } = spec;
  return (
    <Part>
      <dl className="grid grid-cols-[6.5rem_1fr] gap-x-3 gap-y-1.5 text-[13px] [&_dt]:text-faint-foreground">
        <Fact name="Goal">{spec.goal}</Fact>
        {inputs.length > 0 ? <Fact name="About">{inputs.join(", ")}</Fact> : null}
        {depends_on.length > 0 ? (
          <Fact name="Waits for">
            <Links ids={depends_on} />
          </Fact>
        ) : null}
        {review_of ? (
          <Fact name="Judges">
            <Links ids={[review_of]} />
          </Fact>
        ) : null}
        {task.replacedBy === null ? null : (
          <Fact name="Replaced by">
            <Links ids={[task.replacedBy]} />
          </Fact>
        )}
        {expected ? <Fact name="Expected">{expected}</Fact> : null}
        {done_when ? <Fact name="Done when">{done_when}</Fact> : null}
        {task.reused === null ? null : (
          <Fact name="Taken from">the run it was forked from, not done again</Fact>
        )}
      </dl>
    </Part>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}

function Links({ ids }: { ids: readonly string[] }) {
  return (
    <span className="flex flex-col items-start gap-0.5">
      {ids.map((id) => (
        <TaskLink key={id} taskId={id} />
      ))}
    </span>
  );
}

function Calls({ task }: { task: TaskState }) {
  if (task.calls.length === 0) return null;
  return (
    <Part title="Tools it called">
      <CallList ids={task.calls} />
    </Part>
  );
}

function Written({ task }: { task: TaskState }) {
  const text = useShown((run) => resultOf(run, task));
  if (!text) return null;
  return (
    <Part title={isOver(task) ? "Its result" : "What it has written"}>
      <AgentText text={text} />
    </Part>
  );
}

function LastPrompt({ task }: { task: TaskState }) {
  const last = task.messages.at(-1) ?? "";
  const start = useShown((run) => run.messages.get(last)?.start);
  const trims = useShown((run) => run.messages.get(last)?.trims);
  if (start === undefined) return null;
  return (
    <Part title="What the model was given">
      <ModelCall message={{ start, trims: trims ?? [] }} />
      {task.messages.length > 1 ? (
        <Button
          variant="link"
          size="inline"
          className="text-[13px]"
          onClick={() => go({ tab: "context" }, "replace")}
        >
          All its {task.messages.length} model calls
        </Button>
      ) : null}
    </Part>
  );
}
