import { cn } from "@/lib/cn";
import { progressOf, progressWords } from "@/lib/experiment-words";

interface ProgressBarProps {
  /** Whose progress it is. */
  label: string;
  states: Readonly<Record<string, number>>;
  className?: string;
}

/** How many runs are done; at its end those that failed. */
export function ProgressBar({ label, states, className }: ProgressBarProps) {
  const { done, failed, all, share } = progressOf(states);
  const width = (part: number): string => `${all === 0 ? 0 : (100 * part) / all}%`;
  return (
    <span
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(100 * share)}
      aria-valuetext={progressWords(states)}
      data-slot="experiment-progress"
      className={cn("flex h-1 w-full overflow-hidden rounded-full bg-muted", className)}
    >
      <span
        className="bg-primary transition-[width] duration-150 motion-reduce:transition-none"
        style={{ width: width(done - failed) }}
      />
      <span
        className="bg-destructive transition-[width] duration-150 motion-reduce:transition-none"
        style={{ width: width(failed) }}
      />
    </span>
  );
}
