import { cva } from "class-variance-authority";
import { cn } from "@/lib/cn";
import { STATE_WORDS } from "@/lib/experiment-words";
import type { ExperimentState } from "@/lib/experiments-api";

const chip = cva("inline-flex shrink-0 items-center gap-1.5 text-xs", {
  variants: {
    state: {
      draft: "text-muted-foreground",
      running: "text-primary",
      paused: "text-caution",
      done: "text-good",
      failed: "text-destructive",
      canceled: "text-muted-foreground",
    },
  },
});

/** How an experiment stands, in a word. */
export function StateChip({ state, className }: { state: ExperimentState; className?: string }) {
  return (
    <span data-slot="experiment-state" data-state={state} className={cn(chip({ state }), className)}>
      <span aria-hidden className="size-1.5 rounded-full bg-current" />
      {STATE_WORDS[state]}
    </span>
  );
}
