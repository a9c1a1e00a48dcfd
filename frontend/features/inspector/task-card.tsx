"use client";

import { RotateCw } from "lucide-react";
import { PlanCard } from "@/features/inspector/plan-card";
import { figuresOf, shareDone, type TaskFigures } from "@/features/inspector/task-figures";
import { StatusSign, statusWord } from "@/features/inspector/task-status";
import { useColour, useLens, useMoment, useTask, useWhole } from "@/features/inspector/use-lens";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { plural, shortDuration } from "@/lib/format";
import { isCut, isOver, type TaskState } from "@/lib/task-state";
import { CUT_HINT, taskTitle } from "@/lib/task-words";

export type CardLook = "roomy" | "compact" | "ghost";

/** A task as a node: who does it, how it stands, its time and its tokens. Four times a second while it runs. */
export function TaskCard({ taskId, look }: { taskId: string; look: CardLook }) {
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
  const Lines = look === "ghost" ? GhostLines : look === "compact" ? CompactLines : RoomyLines;
  return (
    <PlanCard
      taskId={taskId}
      chosen={chosen}
      faint={shown === undefined || shown.replacedBy !== null}
      colour={colour}
      share={figures && shown && shown.replacedBy === null ? shareDone(shown, figures) : 0}
      status={shown?.status ?? "unplanned"}
    >
      <Lines name={taskTitle(task)} task={shown} colour={colour} figures={figures} />
    </PlanCard>
  );
}

interface LinesProps {
  name: string;
  /** As it was at the moment that is shown; then it may not have been planned yet. */
  task: TaskState | undefined;
  colour: string;
  figures: TaskFigures | null;
}

const QUIET = "text-muted-foreground text-xs leading-4 tabular-nums";

function RoomyLines({ name, task, colour, figures }: LinesProps) {
  return (
    <span className="flex min-w-0 flex-1 flex-col justify-between px-2 py-1.5">
      <span
        className={cn(
          "line-clamp-2 font-medium text-[13px] leading-[17px]",
          task?.status === "canceled" && "line-through decoration-1",
        )}
      >
        {name}
      </span>
      {task === undefined ? null : (
        <span className={QUIET}>
          <span className="flex items-center gap-1">
            <StatusSign task={task} colour={colour} className="-ml-0.5" />
            <span className="min-w-0 flex-1 truncate" title={isCut(task) ? CUT_HINT : undefined}>
              {roleAndState(task)}
            </span>
            <Again task={task} />
          </span>
          <span className="block truncate">
            {figures === null ? (
              " "
            ) : (
              <>
                {shortDuration(figures.ms)} · {plural(figures.tokensOut, "token")}
              </>
            )}
          </span>
        </span>
      )}
    </span>
  );
}

function CompactLines({ name, task, colour, figures }: LinesProps) {
  return (
    <span className="flex min-w-0 flex-1 flex-col justify-between px-2 py-1">
      <span
        className={cn(
          "truncate font-medium text-xs leading-[17px]",
          task?.status === "canceled" && "line-through decoration-1",
        )}
      >
        {name}
      </span>
      {task === undefined ? null : (
        <span className={cn("flex items-center gap-1", QUIET)}>
          {/* Where there are many, they do not breathe: every breath would paint the whole field again. */}
          <StatusSign task={task} colour={colour} className="-ml-0.5 animate-none" />
          <span className="min-w-0 flex-1 truncate" title={isCut(task) ? CUT_HINT : undefined}>
            {isQuiet(task) ? task.role : statusWord(task)}
          </span>
          <Again task={task} />
          {figures === null ? null : <span>{shortDuration(figures.ms)}</span>}
        </span>
      )}
    </span>
  );
}

function GhostLines({ name, task, colour }: LinesProps) {
  return (
    <span className="flex min-w-0 flex-1 items-center gap-1 px-2 text-xs">
      {task === undefined ? null : <StatusSign task={task} colour={colour} className="-ml-0.5" />}
      <span className="min-w-0 flex-1 truncate">{name}</span>
      <span className="sr-only">{task === undefined ? null : statusWord(task)}</span>
    </span>
  );
}

/** The role says enough of a task that works or is done. */
function isQuiet(task: TaskState): boolean {
  return (
    task.reused === null &&
    !isCut(task) &&
    !task.stopping &&
    (task.status === "working" || task.status === "completed")
  );
}

function roleAndState(task: TaskState): string {
  return isQuiet(task) ? task.role : `${task.role}, ${statusWord(task)}`;
}

/** It was tried again, or given to someone else. */
function Again({ task }: { task: TaskState }) {
  const times = task.failures.length;
  if (times === 0 && task.assignment === 1) return null;
  const word = task.assignment > 1 ? "Given to another" : "Tried again";
  return (
    <span className="inline-flex shrink-0 items-center gap-0.5 text-caution" title={word}>
      <RotateCw role="img" aria-label={word} className="size-3" />
      {Math.max(times, task.assignment - 1)}
    </span>
  );
}
