import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";
import { go } from "@/lib/location";

interface PlanCardProps extends ComponentProps<"button"> {
  taskId: string;
  chosen: boolean;
  /** Not there yet, or done by another instead. */
  faint?: boolean;
  colour: string;
  /** How much of it is filled, 0 to 1. */
  share: number;
  status: string;
}

/** A node that is pressed to look into its task: the agent's colour at its edge, and filling it as it works. */
export function PlanCard({
  taskId,
  chosen,
  faint,
  colour,
  share,
  status,
  className,
  children,
  ...props
}: PlanCardProps) {
  const tint = `color-mix(in oklch, ${colour} 10%, transparent)`;
  const filled = `${Math.round(share * 100)}%`;
  return (
    <button
      type="button"
      data-slot="plan-node"
      data-task={taskId}
      data-status={status}
      aria-pressed={chosen}
      onClick={() => go({ task: chosen ? null : taskId }, "replace")}
      className={cn(
        "nopan pointer-events-auto flex size-full rounded-md border border-l-[3px] bg-background text-left outline-offset-2 hover:border-input",
        chosen && "border-foreground/60 hover:border-foreground/60",
        faint && "border-dashed text-faint-foreground",
        className,
      )}
      style={{
        borderLeftColor: faint ? `color-mix(in oklch, ${colour} 40%, transparent)` : colour,
        borderLeftStyle: "solid",
        // One background with an edge in it: of a hundred nodes, every further box would be painted a hundred times.
        backgroundImage: `linear-gradient(90deg, ${tint} ${filled}, transparent ${filled})`,
      }}
      {...props}
    >
      {children}
    </button>
  );
}
