/** What a chart draws of a series. What is counted is drawn by the minute, hour or day, as few bars as can be read. Pure. */

import type { Between } from "@/lib/dashboard-address";
import type { ChartInfo } from "@/lib/dashboard-charts";
import { type MetricSeries, newest, together, type Values } from "@/lib/metric-series";

export interface ChartData {
  /** Where the points stand: at the ends of intervals, of bars in their middles. */
  readonly at: readonly number[];
  /** Ends of the intervals. */
  readonly ends: readonly number[];
  /** Seconds of an interval. */
  readonly width: number;
  /** By line, one for each of `at`. */
  readonly lines: readonly Values[];
}

const MOST_BARS = 60;
const FEWEST_OF_A_LINE = 4;
const WIDTHS = [1, 5, 10, 30, 60, 360, 600, 1_800, 3_600, 10_800, 21_600, 86_400];

export const NO_DATA: ChartData = { at: [], ends: [], width: 1, lines: [] };

export function chartData(info: ChartInfo, series: MetricSeries, spanS: number): ChartData {
  const empty = new Array<null>(series.at.length).fill(null);
  const lines = info.lines.map(({ metric }) => series.values[metric] ?? empty);
  const { at, step } = series;
  if (info.kind !== "sums" && info.kind !== "shares") return { at, ends: at, width: step, lines };
  const width = WIDTHS.find((each) => each >= step && spanS / each <= MOST_BARS) ?? Math.max(step, 86_400);
  const ends: number[] = [];
  const rows: number[][] = [];
  for (const [index, end] of at.entries()) {
    const bar = Math.ceil(end / width) * width;
    if (ends.at(-1) !== bar) {
      ends.push(bar);
      rows.push([]);
    }
    rows.at(-1)?.push(index);
  }
  const summed = lines.map((values) =>
    rows.map((row) =>
      together(
        row.map((index) => values[index] ?? null),
        "sum",
      ),
    ),
  );
  return { at: ends.map((end) => end - width / 2), ends, width, lines: summed };
}

/** The time that a chart shows: the bar that is under way whole, though it reaches into what is to come. */
export function shownTime(
  info: ChartInfo,
  { ends }: ChartData,
  [since, until]: readonly [number, number],
): [number, number] {
  const isBars = info.kind === "sums" || info.kind === "shares";
  return [since, isBars ? Math.max(until, ends.at(-1) ?? until) : until];
}

/** So many pieces, and so short, that a line would hide where the values are. */
export function isScattered({ at, lines }: ChartData, line: number, silenceS: number): boolean {
  let [known, pieces] = [0, 0];
  let before: number | null = null;
  for (const [index, value] of (lines[line] ?? []).entries()) {
    if (value === null) continue;
    const now = at[index] ?? 0;
    if (before === null || now - before > silenceS) pieces += 1;
    known += 1;
    before = now;
  }
  return known > 0 && known < FEWEST_OF_A_LINE * pieces;
}

/** The time of a point. */
export function intervalOf({ ends, width }: ChartData, index: number): Between | null {
  const until = ends[index];
  return until === undefined ? null : { since: until - width, until };
}

/** What a line is at: under the cursor; else the newest of it, and of what is counted all together. */
export function valuesAt(
  info: ChartInfo,
  data: ChartData,
  series: MetricSeries | null,
  indexes: readonly (number | null)[] | null,
): (number | null)[] {
  return info.lines.map(({ metric }, line) => {
    const values = data.lines[line] ?? [];
    const index = indexes?.[line];
    if (indexes !== null) return index === null || index === undefined ? null : (values[index] ?? null);
    if (series === null) return null;
    return info.kind === "sums" || info.kind === "shares" ? together(values, "sum") : newest(series, metric);
  });
}
