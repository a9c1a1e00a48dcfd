import { cn } from "@/lib/cn";
import { type RecallFacts, reasonsOf, STANDING } from "@/lib/recall-reasons";

interface RecallReasonsProps {
  facts: RecallFacts;
  className?: string;
}

/** Why a memory came: a line per reason, and the score that they make. */
export function RecallReasons({ facts, className }: RecallReasonsProps) {
  if (facts.standing)
    return (
      <p data-slot="recall-reasons" className={cn("text-muted-foreground text-xs", className)}>
        {STANDING}
      </p>
    );
  return (
    <table data-slot="recall-reasons" className={cn("text-xs tabular-nums", className)}>
      <caption className="sr-only">Why it came</caption>
      <tbody>
        {reasonsOf(facts).map(({ name, label, value, detail, lowers }) => (
          <tr key={name} data-reason={name}>
            <th
              scope="row"
              className="py-0.5 pr-4 text-left align-baseline font-normal text-muted-foreground"
            >
              {label}
            </th>
            <td className={cn("py-0.5 pr-3 text-right align-baseline", lowers && "text-caution")}>{value}</td>
            <td className="py-0.5 align-baseline text-faint-foreground">{detail}</td>
          </tr>
        ))}
        <tr className="border-t">
          <th scope="row" className="pt-1 pr-4 text-left font-normal text-muted-foreground">
            Score
          </th>
          <td className="pt-1 pr-3 text-right">{facts.score.toFixed(2)}</td>
          <td />
        </tr>
      </tbody>
    </table>
  );
}

/** How well a memory fits, as a bar: to the best of its list. */
export function ScoreBar({ score, best, className }: { score: number; best: number; className?: string }) {
  const share = best > 0 ? Math.max(0.02, Math.min(1, score / best)) : 0;
  return (
    <span
      data-slot="score-bar"
      role="img"
      aria-label={`Score ${score.toFixed(2)}`}
      data-tip={`Score ${score.toFixed(2)}`}
      className={cn("inline-block h-1 w-12 overflow-hidden rounded-full bg-muted", className)}
    >
      <span className="block h-full rounded-full bg-primary" style={{ width: `${share * 100}%` }} />
    </span>
  );
}
