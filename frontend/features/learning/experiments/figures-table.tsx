import { failedWords, points } from "@/lib/experiment-words";
import type { Figures } from "@/lib/experiments-api";
import { compact, duration, money } from "@/lib/format";

/** What each variant did: scores in points of 100, time, tokens, money. */
export function FiguresTable({ figures, winner }: { figures: readonly Figures[]; winner: string }) {
  const labels = Object.keys(figures[0]?.scores ?? {});
  const heads = ["Variant", "Runs", "Failed", ...labels, "Median", "Tokens", "Cost"];
  const failed = figures.filter((one) => one.failed > 0);
  return (
    <div className="space-y-2">
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Figures of variants">
        <table data-slot="figures" className="w-full text-left text-xs tabular-nums">
          <thead className="border-b text-muted-foreground">
            <tr>
              {heads.map((head, at) => (
                <th key={`${head}${at}`} scope="col" className="py-1.5 pr-4 font-normal">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="divide-y border-b">
            {figures.map((one) => (
              <tr key={one.variant} data-slot="figure-row" data-variant={one.variant}>
                <th scope="row" className="py-1.5 pr-4 font-medium">
                  {one.variant}
                  {one.variant === winner ? <span className="ml-2 font-normal text-good">winner</span> : null}
                </th>
                <td className="pr-4">
                  {one.runs - one.waiting}/{one.runs}
                </td>
                <td className="pr-4">{one.failed}</td>
                {labels.map((label) => (
                  <td key={label} className="pr-4">
                    {points(one.scores[label])}
                    {one.unscored[label] ? (
                      <span className="text-muted-foreground"> ({one.unscored[label]} without)</span>
                    ) : null}
                  </td>
                ))}
                <td className="pr-4 whitespace-nowrap">{one.ms === 0 ? "–" : duration(one.ms)}</td>
                <td className="pr-4 whitespace-nowrap">{compact(one.tokens)}</td>
                <td>{money(one.cost)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {failed.map((one) => (
        <p key={one.variant} data-slot="failed-words" className="text-destructive text-xs">
          {one.variant}: {failedWords(one)}
        </p>
      ))}
    </div>
  );
}
