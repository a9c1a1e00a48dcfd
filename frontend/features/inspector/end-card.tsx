"use client";

import { PlanCard } from "@/features/inspector/plan-card";
import { figuresOf, isWriting } from "@/features/inspector/task-figures";
import { statusWord } from "@/features/inspector/task-status";
import { useColour, useLens, useMoment, useShown, useTask } from "@/features/inspector/use-lens";
import { useView } from "@/hooks/use-session";
import { shortDuration } from "@/lib/format";
import { MAIN } from "@/lib/protocol";
import type { RunState } from "@/lib/run-state";
import { isOver, type TaskState } from "@/lib/task-state";

interface EndWords {
  readonly word: string;
  readonly status: "submitted" | "working" | "completed" | "over";
}

function startWords(run: RunState, main: TaskState): EndWords {
  if (main.plan === null)
    return { word: isWriting(run, main) ? "deciding" : statusWord(main), status: "working" };
  const asks = main.plan.needsApproval && main.plan.decided === null;
  return asks ? { word: "asks you", status: "working" } : { word: "planned", status: "completed" };
}

function joinWords(run: RunState, main: TaskState): EndWords {
  if (main.status === "completed") return { word: "joined", status: "completed" };
  if (isOver(main)) return { word: statusWord(main), status: "over" };
  return run.message === null
    ? { word: "waits for all", status: "submitted" }
    : { word: "joining", status: "working" };
}

/** Where the run begins, and where its answer is joined. */
export function EndCard({ join }: { join: boolean }) {
  const main = useTask(MAIN);
  const colour = useColour(main);
  useShown((run) => run.message !== null);
  const { shown: moment } = useLens();
  const now = useMoment(main !== undefined && !isOver(main));
  const chosen = useView().task === MAIN;
  const run = moment.get();
  if (main === undefined || run === undefined) return null;
  const { word, status } = join ? joinWords(run, main) : startWords(run, main);
  const written = 1 - Math.exp(-(run.message?.n ?? 0) / 640);
  return (
    <PlanCard
      taskId={MAIN}
      chosen={chosen}
      faint={status === "submitted"}
      colour={colour}
      share={status === "completed" ? 1 : join && status === "working" ? written : 0}
      status={status}
    >
      <span className="flex min-w-0 flex-1 flex-col justify-between px-2 py-1.5">
        <span className="font-medium text-[13px] leading-[17px]">{join ? "Answer" : "Manager"}</span>
        <span className="flex justify-between gap-1 text-muted-foreground text-xs leading-4 tabular-nums">
          <span className="truncate">{word}</span>
          {join && (status === "working" || status === "completed") ? (
            <span>{shortDuration(figuresOf(run, main, now).ms)}</span>
          ) : null}
        </span>
      </span>
    </PlanCard>
  );
}
