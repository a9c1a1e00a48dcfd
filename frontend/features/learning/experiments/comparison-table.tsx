import { DifferenceBar } from "@/features/learning/experiments/difference-bar";
import {
  chance,
  effectWords,
  intervalWords,
  points,
  powerWords,
  reachOf,
  signedPoints,
  standingOf,
} from "@/lib/experiment-words";
import type { Comparison, Paired } from "@/lib/experiments-api";

const HEADS = ["", "Tasks", "Score", "Difference, 95 %", "", "p, Holm", "Effect"] as const;

/** What one evaluator says of each variant against the baseline, and of the slices for who asks. */
export function ComparisonTable({ evaluator, rows }: { evaluator: string; rows: readonly Comparison[] }) {
  const reach = reachOf(rows.flatMap(({ found, slices }) => [found, ...Object.values(slices)]));
  const label = `${rows.map(({ variant }) => variant).join(", ")} by ${evaluator}`;
  return (
    <figure data-slot="comparison" data-evaluator={evaluator} className="space-y-2">
      <figcaption className="flex flex-wrap items-baseline justify-between gap-x-4 text-[13px]">
        <span className="font-medium">{evaluator}</span>
        <span className="text-muted-foreground text-xs">
          points of 100 against {rows[0]?.base}; bars reach {points(reach)} to each side
        </span>
      </figcaption>
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={label}>
        <table className="w-full min-w-[40rem] text-left text-xs tabular-nums">
          <thead className="border-b text-muted-foreground">
            <tr>
              {HEADS.map((head, at) => (
                <th key={`${head}${at}`} scope="col" className="py-1.5 pr-4 font-normal">
                  {head === "" ? <span className="sr-only">{at === 0 ? "Variant" : "Interval"}</span> : head}
                </th>
              ))}
            </tr>
          </thead>
          {rows.map((row) => (
            <tbody key={row.variant} className="border-b">
              <Line name={row.variant} found={row.found} comparison={row} reach={reach} />
              {Object.entries(row.slices).map(([name, found]) => (
                <Line key={name} name={name} found={found} reach={reach} />
              ))}
              <tr>
                <td colSpan={HEADS.length} data-slot="power" className="pb-2 text-muted-foreground">
                  {[
                    powerWords(row),
                    row.found.why,
                    row.found.leftOut > 0 ? `${row.found.leftOut} without both scores are left out.` : "",
                  ]
                    .filter((words) => words !== "")
                    .join(" ")}
                </td>
              </tr>
            </tbody>
          ))}
        </table>
      </div>
    </figure>
  );
}

interface LineProps {
  name: string;
  found: Paired;
  reach: number;
  /** None of a slice: that is shown to look at, its p is not corrected. */
  comparison?: Comparison;
}

function Line({ name, found, reach, comparison }: LineProps) {
  const effect = effectWords(found.dZ);
  const isSlice = comparison === undefined;
  return (
    <tr data-slot={isSlice ? "slice" : "comparison-row"} data-name={name}>
      <th
        scope="row"
        className={isSlice ? "py-1 pr-4 pl-4 font-normal text-muted-foreground" : "py-1.5 pr-4 font-medium"}
      >
        {name}
      </th>
      <td className="pr-4">{found.n}</td>
      <td className="pr-4 whitespace-nowrap">
        {points(found.base)} → {points(found.other)}
      </td>
      <td className="pr-4 whitespace-nowrap">
        {signedPoints(found.difference)}{" "}
        <span className="text-muted-foreground">({intervalWords(found)})</span>
      </td>
      <td className="w-1/4 pr-4">
        <DifferenceBar
          found={found}
          reach={reach}
          standing={comparison === undefined ? "open" : standingOf(comparison)}
        />
      </td>
      <td className="pr-4">{comparison === undefined ? "" : chance(comparison.pHolm)}</td>
      <td className="whitespace-nowrap">{found.dZ === null ? "–" : `${found.dZ.toFixed(2)}, ${effect}`}</td>
    </tr>
  );
}
