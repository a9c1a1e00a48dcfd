import { condensed, type Values, type What } from "@/lib/metric-series";

const [WIDTH, HEIGHT, POINTS] = [100, 20, 40];

/** The way of a figure, without numbers. Where nothing was measured there is no line. */
export function Sparkline({ values, what }: { values: Values; what: What }) {
  const points = condensed(values, POINTS, what);
  const most = Math.max(...points.map((value) => value ?? 0));
  return (
    <svg
      aria-hidden
      data-slot="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      className="h-5 w-full overflow-visible text-series-1"
    >
      <path
        d={pathOf(points, most)}
        fill="none"
        stroke="currentColor"
        strokeWidth={1.25}
        strokeLinejoin="round"
        strokeLinecap="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}

/** Lines from value to value; a value between gaps is a dot. */
export function pathOf(points: readonly (number | null)[], most: number): string {
  const step = points.length > 1 ? WIDTH / (points.length - 1) : 0;
  let path = "";
  for (const [at, value] of points.entries()) {
    if (value === null) continue;
    const x = (at * step).toFixed(1);
    const y = (most === 0 ? HEIGHT : HEIGHT - (value / most) * HEIGHT).toFixed(1);
    const isBegun = at > 0 && points[at - 1] !== null;
    path += isBegun ? `L${x} ${y}` : `M${x} ${y}h0.01`;
  }
  return path;
}
