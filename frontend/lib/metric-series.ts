/**
 * What was measured over time: asked for once, then carried on by a frame a second. Pure: every change gives a new value.
 *
 * In a short range each frame is an interval of its own. In a longer one a frame falls into the interval that is under
 * way: what is counted is added to it, so that all intervals together are what the figures say.
 */

import type { SeriesReply } from "@/lib/metrics-api";
import type { MetricsNow } from "@/lib/protocol";

/** How a metric is taken, as the catalog of the server has it. */
export type What = "percentile" | "rate" | "sum" | "level" | "peak";
export type Values = readonly (number | null)[];

export interface MetricSeries {
  /** Seconds of an interval. */
  readonly step: number;
  /** Ends of intervals, rising. */
  readonly at: readonly number[];
  /** By metric, one for each of `at`; null: nothing was measured. */
  readonly values: Readonly<Record<string, Values>>;
  /** The last row is of an interval that will end then; it is made of so many seconds. Null: all have ended. */
  readonly open: { readonly end: number; readonly seconds: number } | null;
}

const LIVE_STEP_S = 1.5;
/** So many intervals without a frame are a gap, and not a late frame. */
const GAP_STEPS = 2.5;

/** The reply's last row may be of an interval that is under way: then it ends early. */
export function seriesOf({ step, at, series: values }: SeriesReply): MetricSeries {
  const [before, last] = [at.at(-2), at.at(-1)];
  if (step <= LIVE_STEP_S || before === undefined || last === undefined || last - before > step - 0.5)
    return { step, at, values, open: null };
  return { step, at, values, open: { end: before + step, seconds: Math.max(1, last - before) } };
}

/** With one more frame; `spanS`: how long a time is kept. */
export function append(
  series: MetricSeries,
  frame: MetricsNow,
  spanS: number,
  whatOf: (name: string) => What,
): MetricSeries {
  const last = series.at.at(-1);
  const { open, step } = series;
  if (step > LIVE_STEP_S) {
    if (last !== undefined && frame.at <= last) return series;
    if (open !== null && frame.at <= open.end) return folded(series, frame, whatOf);
    const from = open?.end ?? last ?? frame.at - step;
    const end = from + step * Math.max(1, Math.ceil((frame.at - from) / step));
    const settled = open === null ? series : { ...series, at: [...series.at.slice(0, -1), open.end] };
    const whole = added(broken(settled, frame.at), frame.at, frame.values);
    return rolled({ ...whole, open: { end, seconds: 1 } }, spanS);
  }
  if (last !== undefined && frame.at < last + step / 2)
    return Math.abs(frame.at - last) <= step / 2 ? filled(series, frame) : series;
  return rolled(added(broken(series, frame.at), frame.at, frame.values), spanS);
}

/** The server's word, and what was heard after it. */
export function merged(known: MetricSeries | null, reply: MetricSeries): MetricSeries {
  const last = reply.at.at(-1);
  if (known === null || last === undefined || reply.step > LIVE_STEP_S || known.step !== reply.step)
    return reply;
  const first = known.at.findIndex((at) => at > last + reply.step / 2);
  if (first < 0) return reply;
  let whole = reply;
  for (let index = first; index < known.at.length; index++) {
    const row = Object.entries(known.values).map(([name, values]) => [name, values[index] ?? null] as const);
    whole = added(broken(whole, known.at[index] ?? 0), known.at[index] ?? 0, Object.fromEntries(row));
  }
  return whole;
}

/** The newest value that there is, not older than `withinS` before the end. */
export function newest(
  series: MetricSeries,
  name: string,
  withinS = Number.POSITIVE_INFINITY,
): number | null {
  const values = series.values[name] ?? [];
  const end = series.at.at(-1) ?? 0;
  for (let index = values.length - 1; index >= 0; index--) {
    const value = values[index];
    if (end - (series.at[index] ?? 0) > withinS) return null;
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

/** Not more than `rows` values, each of as many neighbours as it takes; if one has fewer, it is the oldest. */
export function condensed(values: Values, rows: number, what: What): (number | null)[] {
  const size = Math.max(1, Math.ceil(values.length / rows));
  const result: (number | null)[] = [];
  for (let end = values.length; end > 0; end -= size)
    result.unshift(together(values.slice(Math.max(0, end - size), end), what));
  return result;
}

/** One value for several: the sum of sums, the mean of rates and levels, the highest of peaks and percentiles. */
export function together(values: Values, what: What): number | null {
  const known = values.filter((value): value is number => value !== null && value !== undefined);
  if (known.length === 0) return null;
  if (what === "peak" || what === "percentile") return Math.max(...known);
  const sum = known.reduce((all, value) => all + value, 0);
  return what === "sum" ? sum : sum / known.length;
}

/** The frame within the interval that is under way. */
function folded(series: MetricSeries, frame: MetricsNow, whatOf: (name: string) => What): MetricSeries {
  const { open } = series;
  if (open === null) return series;
  const names = new Set([...Object.keys(series.values), ...Object.keys(frame.values)]);
  const row: Record<string, number> = {};
  for (const name of names) {
    const before = series.values[name]?.at(-1) ?? null;
    const now = frame.values[name] ?? null;
    const value = meanwhile(before, now, open.seconds, whatOf(name));
    if (value !== null) row[name] = value;
  }
  const settled = {
    ...series,
    at: series.at.slice(0, -1),
    values: mapped(series.values, (values) => values.slice(0, -1)),
  };
  return { ...added(settled, frame.at, row), open: { end: open.end, seconds: open.seconds + 1 } };
}

function meanwhile(before: number | null, now: number | null, seconds: number, what: What): number | null {
  if (before === null || now === null) return now ?? before;
  if (what === "sum") return before + now;
  if (what === "level") return now;
  if (what === "peak") return Math.max(before, now);
  return before + (now - before) / (seconds + 1);
}

/** The frame of the last row, which was asked for before all of it was measured. */
function filled(series: MetricSeries, frame: MetricsNow): MetricSeries {
  const values = mapped(series.values, (known, name) =>
    known.at(-1) === null && frame.values[name] !== undefined
      ? [...known.slice(0, -1), frame.values[name] ?? null]
      : known,
  );
  return { ...series, values };
}

/** With an empty row, where so much time has passed without a word that a line must not go on over it. */
function broken(series: MetricSeries, at: number): MetricSeries {
  const last = series.at.at(-1);
  if (last === undefined || at - last <= series.step * GAP_STEPS) return series;
  return added(series, last + series.step, {});
}

function added(series: MetricSeries, at: number, row: Readonly<Record<string, number | null>>): MetricSeries {
  const { length } = series.at;
  const values: Record<string, Values> = mapped(series.values, (known, name) => [
    ...known,
    row[name] ?? null,
  ]);
  for (const [name, value] of Object.entries(row))
    if (values[name] === undefined) values[name] = [...new Array<null>(length).fill(null), value];
  return { ...series, at: [...series.at, at], values };
}

/** Without what is older than the time that is kept. */
function rolled(series: MetricSeries, spanS: number): MetricSeries {
  const oldest = (series.at.at(-1) ?? 0) - spanS;
  const first = series.at.findIndex((at) => at > oldest);
  if (first <= 0) return series;
  return { ...series, at: series.at.slice(first), values: mapped(series.values, (v) => v.slice(first)) };
}

function mapped(
  values: Readonly<Record<string, Values>>,
  change: (values: Values, name: string) => Values,
): Record<string, Values> {
  return Object.fromEntries(Object.entries(values).map(([name, each]) => [name, change(each, name)]));
}
