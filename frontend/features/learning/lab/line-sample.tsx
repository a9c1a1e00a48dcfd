import type { Lab } from "@/lib/lab-api";
import { styleOf } from "@/lib/lab-figures";

/** How the line of a policy looks. */
export function LineSample({ policy, lab }: { policy: string; lab: Lab }) {
  const { colour, dash } = styleOf(policy, lab);
  return (
    <svg aria-hidden viewBox="0 0 18 4" className="h-1 w-4.5 shrink-0">
      <line x1={0} x2={18} y1={2} y2={2} stroke={colour} strokeWidth={2.5} strokeDasharray={dash} />
    </svg>
  );
}
