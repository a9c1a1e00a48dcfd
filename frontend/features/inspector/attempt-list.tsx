import { RotateCw } from "lucide-react";
import { isFailover } from "@/lib/failover-words";
import { duration } from "@/lib/format";
import type { TaskState } from "@/lib/task-state";

/** What went wrong on the way, and who got the task then. */
export function AttemptList({ task }: { task: TaskState }) {
  const { failures, assignment, spec } = task;
  const round = spec?.round ?? 0;
  if (failures.length === 0 && assignment === 1 && round === 0) return null;
  return (
    <ol data-slot="attempts" className="space-y-1.5 text-[13px]">
      {failures.map((failure, at) => (
        <li key={at} className="grid grid-cols-[auto_1fr] gap-x-2">
          <RotateCw aria-hidden className="mt-1 size-3 text-caution" />
          <div className="min-w-0">
            <p className="break-words">
              Attempt {failure.attempt}
              {failure.endpoint ? ` at ${failure.endpoint}` : ""} failed: {failure.error.message}
            </p>
            <p className="text-faint-foreground text-xs">{nextWord(failure)}</p>
          </div>
        </li>
      ))}
      {assignment > 1 ? (
        <li className="pl-5 text-muted-foreground">
          Given to {task.role}
          {task.model ? ` with ${task.model}` : ""}: assignment {assignment}.
        </li>
      ) : null}
      {round > 0 ? (
        <li className="pl-5 text-muted-foreground">Sent back by a critic; round {round + 1}.</li>
      ) : null}
    </ol>
  );
}

function nextWord(failure: TaskState["failures"][number]): string {
  const { retryInMs, toRole, toModel } = failure;
  if (isFailover(failure)) return "Another endpoint began the answer anew, at once";
  if (toRole || toModel) return `Given to ${[toRole, toModel].filter(Boolean).join(" with ")}`;
  return typeof retryInMs === "number" ? `Tried again after ${duration(retryInMs)}` : "No further attempt";
}
