"use client";

import { AgentDot } from "@/components/agent-dot";
import { useWhole } from "@/features/inspector/use-lens";
import { cn } from "@/lib/cn";
import { go } from "@/lib/location";
import { MAIN } from "@/lib/protocol";
import { taskTitle } from "@/lib/task-words";

/** A task by name, in its agent's colour; leads to it. */
export function TaskLink({ taskId, className }: { taskId: string; className?: string }) {
  const task = useWhole((run) => run.tasks.get(taskId));
  if (task === undefined) return <span className={className}>{taskId}</span>;
  return (
    <button
      type="button"
      onClick={() => go({ task: taskId }, "replace")}
      className={cn("inline-flex max-w-full items-baseline gap-1.5 text-left hover:underline", className)}
    >
      <AgentDot role={task.role || "manager"} />
      <span className="min-w-0 truncate">{taskId === MAIN ? "Manager" : taskTitle(task)}</span>
    </button>
  );
}
