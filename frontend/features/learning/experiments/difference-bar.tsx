import { cn } from "@/lib/cn";
import { barAt, intervalWords, signedPoints } from "@/lib/experiment-words";
import type { Paired } from "@/lib/experiments-api";

interface DifferenceBarProps {
  found: Paired;
  /** How far it reaches to each side, in scores. */
  reach: number;
  standing: "better" | "worse" | "open";
}

const COLOUR = { better: "bg-good", worse: "bg-destructive", open: "bg-primary" } as const;

/** A difference with its interval; the line in the middle is no difference. */
export function DifferenceBar({ found, reach, standing }: DifferenceBarProps) {
  const { difference, low, high } = found;
  if (difference === null) return <span className="text-faint-foreground text-xs">nothing yet</span>;
  const from = barAt(low ?? difference, reach);
  const to = barAt(high ?? difference, reach);
  return (
    <span
      role="img"
      aria-label={`Difference ${signedPoints(difference)} points, ${intervalWords(found)} with 95 %`}
      data-slot="difference-bar"
      data-standing={standing}
      className="relative block h-3 w-full min-w-28"
    >
      <span className="absolute inset-x-0 top-1/2 h-px bg-border" />
      <span className="absolute inset-y-0 left-1/2 w-px bg-foreground/50" />
      <span
        className={cn("absolute top-1 h-1 rounded-full opacity-40", COLOUR[standing])}
        style={{ left: `${from}%`, width: `${to - from}%` }}
      />
      <span
        className={cn(
          "-translate-x-1/2 absolute top-0.5 size-2 rounded-full ring-2 ring-background",
          COLOUR[standing],
        )}
        style={{ left: `${barAt(difference, reach)}%` }}
      />
    </span>
  );
}
