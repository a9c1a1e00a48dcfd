import { useStore } from "@/hooks/use-store";
import { dashboard, windowOf } from "@/lib/dashboard";
import type { ChartInfo } from "@/lib/dashboard-charts";
import { condensed, type What } from "@/lib/metric-series";
import { measure, moment } from "@/lib/metric-units";

const ROWS = 20;

/** A chart in numbers, for who does not see it: at most twenty rows, the newest first, none without a value. */
export function ChartTable({ info }: { info: ChartInfo }) {
  const state = useStore(dashboard.state);
  const { series, reply } = state;
  const [since, until] = windowOf(state, Date.now());
  const at = condensed(series?.at ?? [], ROWS, "peak");
  const whatOf = (name: string): What =>
    reply?.metrics.find((metric) => metric.name === name)?.what ?? "level";
  const columns = info.lines.map(({ metric }) =>
    condensed(series?.values[metric] ?? [], ROWS, whatOf(metric)),
  );
  const rows = at
    .map((end, row) => ({ end, values: columns.map((values) => values[row]) }))
    .filter(({ values }) => values.some((value) => value !== null && value !== undefined))
    .reverse();
  return (
    <div
      data-slot="chart-table"
      data-chart={info.id}
      tabIndex={0}
      role="region"
      aria-label={`${info.title} as a table`}
      className="max-h-72 min-w-0 overflow-auto"
    >
      <table className="w-full text-[13px] tabular-nums">
        <caption className="pb-1 text-left font-medium">{info.title}</caption>
        <thead>
          <tr className="border-b text-faint-foreground text-xs">
            <th scope="col" className="py-1 text-left font-normal">
              Up to
            </th>
            {info.lines.map(({ metric, label }) => (
              <th key={metric} scope="col" className="py-1 pl-4 text-right font-normal">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y">
          {rows.length > 0 ? null : (
            <tr>
              <td colSpan={info.lines.length + 1} className="py-1 text-faint-foreground">
                Nothing measured
              </td>
            </tr>
          )}
          {rows.map(({ end, values }) => (
            <tr key={end}>
              <th scope="row" className="py-1 text-left font-normal text-muted-foreground">
                {moment(end ?? 0, until - since)}
              </th>
              {values.map((value, line) => (
                <td key={info.lines[line]?.metric} className="py-1 pl-4 text-right">
                  {measure(value, info.unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
