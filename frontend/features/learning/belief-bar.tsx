import type { ComponentProps } from "react";
import { beliefWords } from "@/lib/belief-words";
import { cn } from "@/lib/cn";

interface BeliefBarProps extends Omit<ComponentProps<"span">, "children"> {
  mean: number;
  low: number;
  high: number;
  /** What was believed before anything was seen, as a mark. */
  prior?: number;
}

const percent = (value: number): string => `${(100 * value).toFixed(2)}%`;

/** What is believed of a reward, from 0 to 1: the mean, and where it lies with 90 %. */
export function BeliefBar({ mean, low, high, prior, className, ...props }: BeliefBarProps) {
  const before = prior === undefined ? "" : `; ${prior.toFixed(2)} before anything was seen`;
  return (
    <span
      role="img"
      aria-label={`${beliefWords({ mean, low, high })}${before}`}
      data-slot="belief-bar"
      className={cn("relative block h-3 w-full", className)}
      {...props}
    >
      <span className="absolute inset-x-0 top-1/2 h-px bg-border" />
      <span className="absolute inset-y-0 left-1/2 w-px bg-border" />
      <span
        className="absolute top-1 h-1 rounded-full bg-primary/35 transition-[left,width] duration-150 motion-reduce:transition-none"
        style={{ left: percent(low), width: percent(high - low) }}
      />
      {prior === undefined ? null : (
        <span
          className="absolute inset-y-0 w-0 border-muted-foreground border-l border-dotted"
          style={{ left: percent(prior) }}
        />
      )}
      <span
        className="-translate-x-1/2 absolute top-0.5 size-2 rounded-full bg-primary ring-2 ring-background transition-[left] duration-150 motion-reduce:transition-none"
        style={{ left: percent(mean) }}
      />
    </span>
  );
}
