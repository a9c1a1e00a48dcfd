import type { ChartInfo, Line } from "@/lib/dashboard-charts";
import { measure } from "@/lib/metric-units";

interface ChartLegendProps {
  info: ChartInfo;
  /** By line: under the cursor, else the newest. */
  values: readonly (number | null)[];
  onOpen: (line: Line) => void;
}

/** Which line is which, and what it is at; each leads to the runs behind it. */
export function ChartLegend({ info, values, onOpen }: ChartLegendProps) {
  return (
    <ul className="flex flex-wrap gap-x-3 text-xs tabular-nums">
      {info.lines.map((line, at) => (
        <li key={line.metric}>
          <button
            type="button"
            data-slot="legend"
            data-metric={line.metric}
            onClick={() => onOpen(line)}
            className="group flex h-6 items-center gap-1.5 text-muted-foreground hover:text-foreground"
          >
            <span
              aria-hidden
              className="h-[3px] w-3 rounded-full"
              style={{ background: `var(${line.colour})` }}
            />
            <span className="sr-only">{info.title}</span>
            {line.label}
            <span className="text-foreground decoration-input underline-offset-3 group-hover:underline">
              {measure(values[at], info.unit)}
            </span>
            <span className="sr-only">Runs behind it</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
