"use client";

import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { RotateCw } from "lucide-react";
import { memo, type ReactNode } from "react";
import { figuresOf, isWriting, shareDone } from "@/features/inspector/task-figures";
import { StatusSign, statusWord } from "@/features/inspector/task-status";
import { useColour, useLens, useMoment, useShown, useTask, useWhole } from "@/features/inspector/use-lens";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { count, shortDuration } from "@/lib/format";
import { cardSize, JOIN, START } from "@/lib/graph-layout";
import { go } from "@/lib/location";
import { MAIN } from "@/lib/protocol";
import { isOver, type TaskState } from "@/lib/task-state";
import { taskTitle } from "@/lib/task-words";

export type PlanNode = Node<{ compact: boolean; kind: "start" | "task" | "group" | "join" }>;

function Ports({ top, id }: { top?: number; id: string }) {
  const style = { top, opacity: 0, pointerEvents: "none" } as const;
  return (
    <>
      {id === START ? null : (
        <Handle type="target" position={Position.Left} isConnectable={false} style={style} />
      )}
      {id === JOIN ? null : (
        <Handle type="source" position={Position.Right} isConnectable={false} style={style} />
      )}
    </>
  );
}

/** A node of the plan: a task, a task with a plan of its own around it, or an end of the run. */
export const PlanNodeView = memo(function PlanNodeView({ id, data }: NodeProps<PlanNode>) {
  const { compact, kind } = data;
  const card = cardSize(compact);
  if (kind === "start" || kind === "join")
    return (
      <>
        <Ports id={id} />
        <EndCard join={kind === "join"} />
      </>
    );
  return (
    <>
      <Ports id={id} top={kind === "group" ? card.height / 2 : undefined} />
      {kind === "group" ? (
        <div className="size-full rounded-lg border border-dashed">
          <div style={{ height: card.height }}>
            <TaskCard taskId={id} compact={compact} bare />
          </div>
        </div>
      ) : (
        <TaskCard taskId={id} compact={compact} />
      )}
    </>
  );
});

interface CardProps {
  taskId: string;
  label: string;
  chosen: boolean;
  faint: boolean;
  bare?: boolean;
  colour: string;
  share: number;
  status: string;
  children: ReactNode;
}

function Card({ taskId, label, chosen, faint, bare = false, colour, share, status, children }: CardProps) {
  return (
    <button
      type="button"
      data-slot="plan-node"
      data-task={taskId}
      data-status={status}
      aria-label={label}
      aria-pressed={chosen}
      onClick={() => go({ task: chosen ? null : taskId }, "replace")}
      className={cn(
        "nopan relative flex size-full overflow-hidden rounded-lg bg-background text-left outline-offset-2 transition-opacity duration-150",
        bare ? "rounded-b-none" : "border hover:border-input",
        chosen && "border-foreground/60 hover:border-foreground/60",
        faint && "opacity-45",
      )}
    >
      <span aria-hidden className="w-[3px] shrink-0" style={{ background: colour }} />
      <span
        aria-hidden
        className="absolute inset-y-0 left-[3px] transition-[width] duration-150 ease-linear motion-reduce:transition-none"
        style={{
          width: `calc(${share} * (100% - 3px))`,
          background: `color-mix(in oklch, ${colour} 11%, transparent)`,
        }}
      />
      {children}
    </button>
  );
}

function TaskCard({ taskId, compact, bare }: { taskId: string; compact: boolean; bare?: boolean }) {
  const shown = useTask(taskId);
  const whole = useWhole((run) => run.tasks.get(taskId));
  const task = shown ?? whole;
  const colour = useColour(task);
  const { shown: moment } = useLens();
  const now = useMoment(shown !== undefined && shown.startedAt !== null && !isOver(shown));
  const chosen = useView().task === taskId;
  if (task === undefined) return null;
  const run = moment.get();
  const figures = run && shown && shown.startedAt !== null ? figuresOf(run, shown, now) : null;
  const word = shown === undefined ? "not planned yet" : statusWord(shown);
  const share = figures && shown ? shareDone(shown, figures) : 0;
  return (
    <Card
      taskId={taskId}
      label={`${taskTitle(task)}, ${task.role}, ${word}`}
      chosen={chosen}
      faint={shown === undefined || shown.replacedBy !== null}
      bare={bare}
      colour={colour}
      share={share}
      status={shown?.status ?? "unplanned"}
    >
      <span
        className={cn(
          "relative flex min-w-0 flex-1 flex-col justify-between",
          compact ? "px-2 py-1" : "px-2.5 py-2",
        )}
      >
        <span
          className={cn(
            "font-medium",
            compact ? "truncate text-xs leading-[18px]" : "line-clamp-2 text-[13px] leading-[18px]",
            shown?.status === "canceled" && "line-through decoration-1",
          )}
        >
          {taskTitle(task)}
        </span>
        <span className="flex items-center gap-1.5 whitespace-nowrap text-muted-foreground text-xs leading-4 tabular-nums">
          {shown === undefined ? null : <StatusSign task={shown} colour={colour} className="-mx-0.5" />}
          <span className="min-w-0 truncate">{quietWord(shown, compact)}</span>
          {shown === undefined ? null : <Again task={shown} />}
          {figures === null ? null : (
            <span className="ml-auto">
              {shortDuration(figures.ms)}
              {compact ? null : ` · ${count(figures.tokensOut)} t`}
            </span>
          )}
        </span>
      </span>
    </Card>
  );
}

/** The role says enough of a task that works or is done; of any other its state is said. */
function quietWord(task: TaskState | undefined, compact: boolean): string {
  if (task === undefined) return "";
  const plain = task.replacedBy === null && task.reused === null && !task.stopping;
  if (plain && (task.status === "working" || task.status === "completed")) return task.role;
  return compact ? statusWord(task) : `${task.role}, ${statusWord(task)}`;
}

/** It was tried again, or given to someone else. */
function Again({ task }: { task: TaskState }) {
  const times = task.failures.length;
  if (times === 0 && task.assignment === 1 && (task.spec?.round ?? 0) === 0) return null;
  const word =
    task.assignment > 1 ? `given to another, assignment ${task.assignment}` : `tried again, ${times} failed`;
  return (
    <span className="inline-flex items-center gap-0.5 text-caution" title={word}>
      <RotateCw role="img" aria-label={word} className="size-3" />
      {Math.max(times, task.assignment - 1)}
    </span>
  );
}

/** Where the run begins, and where its answer is joined. */
function EndCard({ join }: { join: boolean }) {
  const main = useTask(MAIN);
  const colour = useColour(main);
  const answering = useShown((run) => run.message !== null);
  const { shown: moment } = useLens();
  const now = useMoment(main !== undefined && !isOver(main));
  const chosen = useView().task === MAIN;
  const run = moment.get();
  if (main === undefined || run === undefined) return null;
  const planned = main.plan !== null;
  const joining = join && answering === true;
  const figures = figuresOf(run, main, now);
  const done = join ? main.status === "completed" : planned || isOver(main);
  const word = join
    ? done
      ? "joined"
      : joining
        ? "joining"
        : isOver(main)
          ? statusWord(main)
          : "waits for all"
    : !planned
      ? isWriting(run, main)
        ? "deciding"
        : statusWord(main)
      : main.plan?.needsApproval && main.plan.decided === null
        ? "waits for you"
        : "planned";
  return (
    <Card
      taskId={MAIN}
      label={`${join ? "The joined answer" : "The manager"}, ${word}`}
      chosen={chosen}
      faint={join && !joining && !isOver(main)}
      colour={colour}
      share={done ? 1 : joining ? 1 - Math.exp(-(run.message?.n ?? 0) / 640) : 0}
      status={
        join ? (done ? "completed" : joining ? "working" : "submitted") : planned ? "completed" : main.status
      }
    >
      <span className="relative flex min-w-0 flex-1 flex-col justify-between px-2.5 py-2">
        <span className="font-medium text-[13px] leading-[18px]">{join ? "Joined answer" : "Manager"}</span>
        <span className="flex items-center justify-between gap-1.5 text-muted-foreground text-xs leading-4 tabular-nums">
          <span className="truncate">{word}</span>
          {join && (joining || done) ? <span>{shortDuration(figures.ms)}</span> : null}
        </span>
      </span>
    </Card>
  );
}
