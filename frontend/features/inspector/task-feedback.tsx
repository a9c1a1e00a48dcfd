"use client";

import { SaidMore, Thumbs } from "@/components/thumbs";
import { resultOf } from "@/features/inspector/task-figures";
import { useLens, useWhole } from "@/features/inspector/use-lens";
import { useStore } from "@/hooks/use-store";
import { feedback } from "@/lib/feedback";
import { MAIN } from "@/lib/protocol";
import { isOver, type TaskState } from "@/lib/task-state";

/** What its owner thinks of a task's result. */
export function TaskFeedback({ task }: { task: TaskState }) {
  const { runId } = useLens();
  const giving = useStore(feedback.of(runId, task.id));
  const signals = useWhole((run) => run.signals) ?? [];
  const seq = useWhole((run) => run.seq) ?? 0;
  const answer = useWhole((run) => resultOf(run, task)) ?? "";
  if (task.id === MAIN || !isOver(task) || answer === "") return null;
  return (
    <div data-slot="task-feedback" className="space-y-1.5 pt-1">
      <div className="-ml-1.5">
        <Thumbs runId={runId} taskId={task.id} signals={signals} seq={seq} giving={giving} />
      </div>
      <SaidMore runId={runId} taskId={task.id} signals={signals} seq={seq} answer={answer} giving={giving} />
    </div>
  );
}
