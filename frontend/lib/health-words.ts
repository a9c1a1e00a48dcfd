/** What the page says of health, alerts and errors. Pure. */

import { plural } from "@/lib/format";
import type { AlertRule, Health, HealthComponent, PastAlert, Severity } from "@/lib/health-api";
import { measure } from "@/lib/metric-units";
import type { FiringAlert } from "@/lib/protocol";
import type { Standing } from "@/lib/standing";

export const STATUS_WORDS: Readonly<Record<Standing, string>> = {
  ok: "Well",
  degraded: "Degraded",
  down: "Down",
};
export const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  info: "For information",
  warning: "Warning",
  critical: "Critical",
};
const UNITS: readonly (readonly [number, string])[] = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
  [1, "second"],
];
const WEIGHT: Readonly<Record<string, number>> = {
  down: 2,
  degraded: 1,
  ok: 0,
  critical: 2,
  warning: 1,
  info: 0,
};

/** `3 minutes`, `1 hour`, `2 days`: how long, in the largest unit that it fills. */
export function spanWords(seconds: number): string {
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? [1, "second"];
  return plural(Math.max(0, Math.floor(seconds / size)), unit);
}

/** As `spanWords`, but exact: `90 seconds` and not `1 minute`. */
export function exactSpan(seconds: number): string {
  const [size, unit] = UNITS.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, "second"];
  return plural(seconds / size, unit);
}

/** `for 3 minutes`; nothing where it is not known since when. Times are Unix seconds, `now` is in ms. */
export function forWords(since: number | null | undefined, now: number): string {
  return since ? `for ${spanWords(Math.max(0, now / 1000 - since))}` : "";
}

/** `just now`, `3 minutes ago` */
export function agoWords(at: number, now: number): string {
  const seconds = now / 1000 - at;
  return seconds < 45 ? "just now" : `${spanWords(seconds)} ago`;
}

/** The worst first; among the same, as the server has them. */
export function worstFirst(components: readonly HealthComponent[]): HealthComponent[] {
  return [...components].sort((one, other) => (WEIGHT[other.status] ?? 0) - (WEIGHT[one.status] ?? 0));
}

/** One sentence on the whole. */
export function healthSummary({ status, components }: Health): string {
  const unwell = components.filter((component) => component.status !== "ok");
  if (unwell.length === 0) return status === "ok" ? "All is well." : `Alma is ${status}.`;
  const down = unwell.filter((component) => component.status === "down").length;
  const of = plural(components.length, "component");
  if (status === "down") return `Alma is down: ${down} of ${of} ${down === 1 ? "does" : "do"} not work.`;
  return `Alma works, but ${unwell.length} of ${of} ${unwell.length === 1 ? "is" : "are"} not well.`;
}

export function isSilenced(silencedUntil: number | undefined, now: number): boolean {
  return (silencedUntil ?? 0) * 1000 > now;
}

/** How Alma is, its alerts included: what is silenced does not count. */
export function standingOf(
  health: Standing,
  firing: readonly Pick<FiringAlert, "severity" | "silencedUntil">[],
  now: number,
): Standing {
  const loud = firing.filter(({ silencedUntil }) => !isSilenced(silencedUntil, now));
  if (health === "down" || loud.some(({ severity }) => severity === "critical")) return "down";
  return health === "degraded" || loud.some(({ severity }) => severity === "warning") ? "degraded" : "ok";
}

// ── alerts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The unit of a metric, as far as its name tells it. */
function unitOf(metric: string): string {
  if (metric.endsWith("_ms")) return "ms";
  if (/(^|_)(rss|disk_free)$/.test(metric)) return "MiB";
  if (/(^|_)cpu$/.test(metric)) return "%";
  return metric === "cost" ? "USD" : "count";
}

/** A metric's value with its unit: `2 GiB`, `12 s`, `5`. */
export function metricValue(metric: string, value: number): string {
  return measure(value, unitOf(metric));
}

/** `response_p95_ms` → `response p95`, `health.disk` → `health of disk` */
export function metricWords(metric: string): string {
  const check = checkOf(metric);
  if (check !== null) return `health of ${check}`;
  return metric.replace(/_ms$/, "").replace(/[._]/g, " ");
}

/** The check of a metric that only says whether it is well: `health.disk` → `disk`. */
function checkOf(metric: string): string | null {
  return metric.startsWith("health.") ? metric.slice(7).replaceAll("_", " ") : null;
}

/** When the rule fires and when that ends, in words. */
export function ruleWords(rule: AlertRule): string {
  const { metric, above, threshold, clear, forS, windowS } = rule;
  const lasting = forS > 0 ? ` for ${exactSpan(forS)}` : "";
  const check = checkOf(metric);
  if (check !== null && !above && threshold === 1)
    return `Fires when ${check} has not been well${forS > 0 ? lasting : ", at once"}; ends when it is.`;
  const value = metricValue(metric, threshold);
  const taken = windowS > 0 ? ` of the last ${exactSpan(windowS)}` : "";
  const fires = `Fires when ${metricWords(metric)}${taken} is ${above ? "above" : "below"} ${value}${lasting}`;
  if (clear === threshold) return `${fires}; ends when it no longer is.`;
  return `${fires}; ends at ${metricValue(metric, clear)} or ${above ? "less" : "more"}.`;
}

/** The value of now against the threshold: `7 now, fires above 5`. */
export function valueWords(rule: AlertRule): string {
  const { metric, above, threshold, now } = rule;
  if (checkOf(metric) !== null && threshold === 1)
    return now === null ? "not known" : now >= 1 ? "well now" : "not well now";
  const bound = `${above ? "fires above" : "fires below"} ${metricValue(metric, threshold)}`;
  return now === null ? `no value now, ${bound}` : `${metricValue(metric, now)} now, ${bound}`;
}

/** Of those that fire: first who is to hear of it, then what is silenced. */
export function firingOf(
  rules: readonly AlertRule[],
  now: number,
): { loud: AlertRule[]; silenced: AlertRule[] } {
  const firing = rulesInOrder(rules).filter(({ state }) => state === "firing");
  const isQuiet = ({ silencedUntil }: AlertRule): boolean => isSilenced(silencedUntil, now);
  return { loud: firing.filter((rule) => !isQuiet(rule)), silenced: firing.filter(isQuiet) };
}

/** Whether the dashboard draws it. */
export function isDrawn(metric: string): boolean {
  return !metric.includes(".");
}

/** What fires first and worst first, then what is about to, then the rest by name. */
export function rulesInOrder(rules: readonly AlertRule[]): AlertRule[] {
  const order = { firing: 0, pending: 1, ok: 2 } as const;
  return [...rules].sort(
    (one, other) =>
      order[one.state] - order[other.state] ||
      (one.state === "firing" ? (WEIGHT[other.severity] ?? 0) - (WEIGHT[one.severity] ?? 0) : 0) ||
      one.name.localeCompare(other.name),
  );
}

const MINUTE_MS = 60_000;

/** For how long one may want to hear nothing of it. Minutes from `now` (ms). */
export function silenceChoices(now: number): { label: string; minutes: number }[] {
  const morning = new Date(now);
  morning.setDate(morning.getDate() + 1);
  morning.setHours(8, 0, 0, 0);
  return [
    { label: "1 hour", minutes: 60 },
    { label: "8 hours", minutes: 480 },
    { label: "Until tomorrow at 8", minutes: Math.ceil((morning.getTime() - now) / MINUTE_MS) },
    { label: "7 days", minutes: 7 * 1440 },
  ];
}

/** `14:20`, `Fri 14:20`, `3 Dec 14:20`: a time to come (Unix seconds), as near as it is. */
export function untilWords(at: number, now: number): string {
  const date = new Date(at * 1000);
  const clock = date.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hour12: false });
  if (date.toDateString() === new Date(now).toDateString()) return clock;
  if (at * 1000 - now < 6 * 86_400_000)
    return `${date.toLocaleDateString("en", { weekday: "short" })} ${clock}`;
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${clock}`;
}

/** How long a past alert fired, or that it still does. */
export function pastWords({ firedAt, endedAt }: PastAlert): string {
  return endedAt === null ? "still fires" : `over after ${spanWords(Math.max(1, endedAt - firedAt))}`;
}

/** Whom it could not be told to, in sentences. */
export function untold({ told }: PastAlert): string[] {
  return Object.entries(told).flatMap(([channel, said]) => (said === "ok" ? [] : [`${channel}: ${said}`]));
}
