import { estimateWords } from "@/lib/experiment-words";
import type { ExperimentCheck } from "@/lib/experiments-api";

interface EstimateProps {
  check: ExperimentCheck;
  seconds: number;
  parallel: number;
}

/** About what it takes, and what one should know before it begins. */
export function Estimate({ check, seconds, parallel }: EstimateProps) {
  return (
    <div
      data-slot="experiment-estimate"
      role="status"
      className="space-y-1 border-good border-l-2 py-1 pl-4 text-[13px]"
    >
      <p className="text-pretty tabular-nums">{estimateWords(check, { seconds, parallel })}</p>
      {check.notes.map((note) => (
        <p key={note} data-slot="experiment-note" className="text-pretty text-caution">
          {note}
        </p>
      ))}
    </div>
  );
}
