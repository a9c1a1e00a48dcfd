import { cn } from "@/lib/cn";
import { percent } from "@/lib/format";
import type { Lately } from "@/lib/router-api";
import { budgetUsed, latelyWords } from "@/lib/router-words";

/** How much may be tried out, and how much of that was. */
export function ExplorationLine({ lately, on }: { lately: Lately; on: boolean }) {
  const used = budgetUsed(lately);
  return (
    <section
      data-slot="exploration"
      data-explored={lately.explored}
      aria-labelledby="router-budget"
      className="space-y-2"
    >
      <h2 id="router-budget" className="flex items-baseline gap-3 font-medium text-sm">
        Trying out
        <span className="font-normal text-muted-foreground text-xs tabular-nums">
          {on ? `budget ${percent(lately.budget)}` : "no budget while learning is off"}
        </span>
      </h2>
      <div aria-hidden className="h-1.5 max-w-md overflow-hidden rounded-full bg-muted">
        <div
          className={cn("h-full rounded-full", used > 1 ? "bg-caution" : "bg-primary")}
          style={{ width: `${100 * Math.min(used, 1)}%` }}
        />
      </div>
      <p className="text-[13px] text-muted-foreground">{latelyWords(lately)}</p>
    </section>
  );
}
