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
      {[
        { d: pathOf(points, most), width: 1.25 },
        { d: dotsOf(points, most), width: 3.5 },
      ].map(({ d, width }) => (
        <path
          key={width}
          d={d}
          fill="none"
          stroke="currentColor"
          strokeWidth={width}
          strokeLinejoin="round"
          strokeLinecap="round"
          vectorEffect="non-scaling-stroke"
        />
      ))}
    </svg>
  );
}

/** Lines from value to value. */
export function pathOf(points: Values, most: number): string {
  return points
    .map((value, at) => {
      if (value === null || isAlone(points, at)) return "";
      return `${isKnown(points[at - 1]) ? "L" : "M"}${placeOf(points, at, most)}`;
    })
    .join("");
}

/** A value between gaps has no line: it is a dot that can be seen. */
export function dotsOf(points: Values, most: number): string {
  return points.map((_, at) => (isAlone(points, at) ? `M${placeOf(points, at, most)}h0.01` : "")).join("");
}

function isKnown(value: number | null | undefined): boolean {
  return value !== null && value !== undefined;
}

function isAlone(points: Values, at: number): boolean {
  return isKnown(points[at]) && !isKnown(points[at - 1]) && !isKnown(points[at + 1]);
}

function placeOf(points: Values, at: number, most: number): string {
  const step = points.length > 1 ? WIDTH / (points.length - 1) : 0;
  const share = most === 0 ? 0 : (points[at] ?? 0) / most;
  return `${(at * step).toFixed(1)} ${(HEIGHT - share * HEIGHT).toFixed(1)}`;
}
