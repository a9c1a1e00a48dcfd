import { cva } from "class-variance-authority";
import { STAGE_MEANS, STAGE_NAMES } from "@/lib/version-words";
import type { Stage } from "@/lib/versions-api";

const chip = cva("inline-flex items-center gap-1.5 text-xs before:size-2 before:rounded-full", {
  variants: {
    stage: {
      draft: "text-muted-foreground before:border before:border-current",
      replay: "text-primary before:bg-primary/35",
      shadow: "text-primary before:bg-primary/65",
      canary: "text-primary before:bg-primary",
      promoted: "text-good before:bg-good",
      rolled_back: "text-destructive before:border before:border-current",
      retired: "text-muted-foreground before:bg-muted-foreground/50",
    } satisfies Record<Stage, string>,
  },
});

/** How a version stands. */
export function StageChip({ stage }: { stage: Stage }) {
  return (
    <span data-slot="stage" data-stage={stage} title={STAGE_MEANS[stage]} className={chip({ stage })}>
      {STAGE_NAMES[stage]}
    </span>
  );
}
