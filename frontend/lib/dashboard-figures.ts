/** The big figures of the dashboard: which there are, what they are now, and what they were in the time before. Pure. */

import { type MetricSeries, together, type Values, type What } from "@/lib/metric-series";
import type { DashboardReply } from "@/lib/metrics-api";

type Known = Readonly<Record<string, number>>;

export interface Figure {
  /** Whose runs stand behind it. */
  readonly metric: string;
  readonly label: string;
  /** What is set small beside the label. */
  readonly part?: string;
  readonly unit: string;
  readonly what: What;
  readonly of: (values: Known) => number | null;
  /** The way of it over time, where it is no metric itself. */
  readonly over?: (series: MetricSeries) => Values;
}

const metric = (name: string, label: string, part: string | undefined, unit: string, what: What): Figure => ({
  metric: name,
  label,
  part,
  unit,
  what,
  of: (values) => values[name] ?? null,
});

export const FIGURES: readonly Figure[] = [
  metric("response_p50_ms", "Response", "p50", "ms", "percentile"),
  metric("response_p95_ms", "Response", "p95", "ms", "percentile"),
  metric("response_p99_ms", "Response", "p99", "ms", "percentile"),
  metric("first_token_p50_ms", "First token", "p50", "ms", "percentile"),
  metric("tokens_out", "Written", undefined, "tokens/s", "rate"),
  metric("runs_running", "Running", "now", "count", "level"),
  metric("runs_failed", "Failed", "runs", "count", "sum"),
  {
    metric: "cache_hits",
    label: "From the cache",
    unit: "%",
    what: "level",
    of: ({ cache_hits: hits, cache_misses: misses }) => share(hits ?? null, misses ?? null),
    over: ({ values: { cache_hits: hits = [], cache_misses: misses = [] }, at }) =>
      at.map((_, index) => share(hits[index] ?? null, misses[index] ?? null)),
  },
  metric("cost", "Cost", undefined, "USD", "sum"),
];

/** Of both together, in percent. Null: neither happened. */
function share(one: number | null, other: number | null): number | null {
  const all = (one ?? 0) + (other ?? 0);
  return all === 0 ? null : ((one ?? 0) / all) * 100;
}

/** The rows that are looked at, as one number: for what the server has not yet summed up. */
export function overall(values: Values, what: What): number | null {
  if (what !== "level") return together(values, what);
  return values.findLast((value) => value !== null) ?? null;
}

/**
 * A figure: what runs now as the newest frame has it, whatever time is looked at; all else over the whole range. Where nothing was counted, a
 * sum is 0, once there are figures at all.
 */
export function figureOf(figure: Figure, reply: DashboardReply | null, live: Known | null): number | null {
  if (figure.metric === "runs_running" && live !== null) return live[figure.metric] ?? 0;
  if (reply === null) return null;
  const value = figure.of(reply.values);
  return value === null && (figure.what === "sum" || figure.what === "rate") ? 0 : value;
}

/** The same in the time before; null where nothing was measured then, or now is not what that can be held against. */
export function figureBefore(figure: Figure, reply: DashboardReply | null): number | null {
  if (figure.metric === "runs_running" || reply === null || Object.keys(reply.before).length === 0)
    return null;
  return figure.of(reply.before);
}

/** A sum without the interval under way, which would look like a fall; unless there is no other. */
export function wayOf(figure: Figure, series: MetricSeries): Values {
  const values = figure.over?.(series) ?? series.values[figure.metric] ?? [];
  if (figure.what !== "sum" || series.open === null) return values;
  const ended = values.slice(0, -1);
  return ended.some((value) => value !== null) ? ended : values;
}

/** Nobody has asked anything in all that is shown. */
export function isUntouched(reply: DashboardReply): boolean {
  const asked = ["runs_started", "runs_finished", "runs_failed", "calls", "runs_running", "cache_hits"];
  return [reply.values, reply.before].every((values) => asked.every((name) => !values[name]));
}
