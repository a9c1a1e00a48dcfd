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
  return (
    <button
      type="button"
      data-slot="plan-node"
      data-task={taskId}
      data-status={status}
      aria-pressed={chosen}
      onClick={() => go({ task: chosen ? null : taskId }, "replace")}
      className={cn(
        "nopan pointer-events-auto relative flex size-full overflow-hidden rounded-md border bg-background text-left outline-offset-2 hover:border-input",
        chosen && "border-foreground/60 hover:border-foreground/60",
        faint && "border-dashed text-faint-foreground",
        className,
      )}
      {...props}
    >
      <span
        aria-hidden
        className={cn("w-[3px] shrink-0", faint && "opacity-40")}
        style={{ background: colour }}
      />
      <span
        aria-hidden
        className="absolute inset-y-0 left-[3px] transition-[width] duration-150 ease-linear motion-reduce:transition-none"
        style={{
          width: `calc(${share} * (100% - 3px))`,
          background: `color-mix(in oklch, ${colour} 10%, transparent)`,
        }}
      />
      {children}
    </button>
  );
}
