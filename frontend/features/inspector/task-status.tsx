import { Check, Circle, CircleDashed, CircleHelp, Minus, Scissors, X } from "lucide-react";
import { WorkingDot } from "@/components/ui/working-dot";
import { cn } from "@/lib/cn";
import { isCut, isOver, type TaskState } from "@/lib/task-state";

type Status = TaskState["status"];

const WORDS: Record<Status, string> = {
  submitted: "waits",
  working: "working",
  input_required: "asks you",
  completed: "done",
  failed: "failed",
  canceled: "stopped",
  rejected: "could not begin",
};

export function statusWord(task: TaskState): string {
  if (task.replacedBy !== null) return "replaced";
  if (task.reused !== null) return "taken over";
  if (task.stopping && !isOver(task)) return "stopping";
  return isCut(task) ? "cut at its limit" : WORDS[task.status];
}

/** The state of a task as a sign, in the colour of its agent while it works. */
export function StatusSign({
  task,
  colour,
  className,
}: {
  task: TaskState;
  colour: string;
  className?: string;
}) {
  const style = cn("size-3.5 shrink-0", className);
  switch (task.status) {
    case "working":
      return <WorkingDot className={cn("m-0.5 size-2.5", className)} style={{ background: colour }} />;
    case "completed":
      return isCut(task) ? (
        <Scissors role="img" aria-label="Done, cut at its limit" className={cn(style, "text-caution")} />
      ) : (
        <Check role="img" aria-label="Done" className={cn(style, "text-good")} />
      );
    case "failed":
      return <X role="img" aria-label="Failed" className={cn(style, "text-destructive")} />;
    case "rejected":
      return (
        <CircleDashed role="img" aria-label="Could not begin" className={cn(style, "text-destructive")} />
      );
    case "canceled":
      return <Minus role="img" aria-label="Stopped" className={cn(style, "text-muted-foreground")} />;
    case "input_required":
      return <CircleHelp role="img" aria-label="Asks you" className={cn(style, "text-caution")} />;
    case "submitted":
      return <Circle role="img" aria-label="Waits" className={cn(style, "text-faint-foreground")} />;
  }
}
