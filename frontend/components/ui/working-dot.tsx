import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

/** Something is being written. */
export function WorkingDot({ className, ...props }: ComponentProps<"span">) {
  return (
    <span
      data-slot="working-dot"
      role="img"
      aria-label="Working"
      className={cn("inline-block size-2 shrink-0 animate-breathe rounded-full bg-primary", className)}
      {...props}
    />
  );
}
