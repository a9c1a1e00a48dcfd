import { openBehind } from "@/features/dashboard/open-behind";
import { Sparkline } from "@/features/dashboard/sparkline";
import { useStore } from "@/hooks/use-store";
import { dashboard } from "@/lib/dashboard";
import { rangeInfo } from "@/lib/dashboard-address";
import { FIGURES, type Figure, figureBefore, figureOf, wayOf } from "@/lib/dashboard-figures";
import { change, measure, written } from "@/lib/metric-units";

/** The row of big figures; each leads to the runs behind it. */
export function Figures() {
  return (
    <ul
      data-slot="figures"
      aria-label="Figures"
      className="grid grid-cols-3 gap-x-5 gap-y-6 @3xl:grid-cols-5 @6xl:grid-cols-9"
    >
      {FIGURES.map((figure) => (
        <li key={figure.metric} className="min-w-0">
          <BigFigure figure={figure} />
        </li>
      ))}
    </ul>
  );
}

function BigFigure({ figure }: { figure: Figure }) {
  const { reply, live, series, span } = useStore(dashboard.state);
  const value = figureOf(figure, reply, live?.values ?? null);
  const before = figureBefore(figure, reply);
  const changed = change(value, before, figure.unit);
  const { number, unit } = written(value, figure.unit);
  const earlier = span.zoom === null ? `the ${rangeInfo(span.range).words} before` : "as long a time before";
  return (
    <button
      type="button"
      data-slot="figure"
      data-metric={figure.metric}
      data-value={value ?? ""}
      data-tip={changed === null ? "The runs behind it" : `${measure(before, figure.unit)} in ${earlier}`}
      data-tip-side="bottom"
      onClick={() => openBehind(figure.metric)}
      className="group -mx-2 -my-1.5 block w-[calc(100%+16px)] rounded-md px-2 py-1.5 text-left transition-colors duration-100 hover:bg-accent/60"
    >
      <span className="flex items-baseline gap-1.5 text-muted-foreground text-xs">
        <span className="truncate">{figure.label}</span>
        {figure.part === undefined ? null : <span className="text-faint-foreground">{figure.part}</span>}
      </span>
      <span className="flex h-8 items-baseline gap-1 whitespace-nowrap tabular-nums">
        <span className="font-medium text-[22px] leading-8 tracking-[-0.02em]">{number}</span>
        {unit === "" ? null : <span className="text-muted-foreground text-xs">{unit}</span>}
      </span>
      <span data-slot="change" className="block h-4 text-faint-foreground text-xs leading-4 tabular-nums">
        {changed}
        {changed === null ? null : <span className="sr-only"> against {earlier}</span>}
      </span>
      <span className="sr-only">Runs behind it</span>
      <span className="mt-2 block">
        {series === null ? (
          <span className="block h-5" />
        ) : (
          <Sparkline values={wayOf(figure, series)} what={figure.what} />
        )}
      </span>
    </button>
  );
}
