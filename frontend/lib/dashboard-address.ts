/** How the dashboard stands in the address: the range, the part of it that is looked at, and what is asked behind. Pure. */

export const RANGES = [
  { id: "5m", label: "5 min", words: "5 minutes", seconds: 300 },
  { id: "1h", label: "1 h", words: "hour", seconds: 3_600 },
  { id: "6h", label: "6 h", words: "6 hours", seconds: 21_600 },
  { id: "24h", label: "24 h", words: "24 hours", seconds: 86_400 },
  { id: "7d", label: "7 d", words: "7 days", seconds: 604_800 },
] as const;

export type RangeInfo = (typeof RANGES)[number];
export type Range = RangeInfo["id"];

/** From `since` to `until`, in Unix seconds. */
export interface Between {
  readonly since: number;
  readonly until: number;
}

/** The time that the whole page is about. */
export interface Span {
  readonly range: Range;
  readonly zoom: Between | null;
}

/** A number, by what it is made of. `by` and `name`: of one agent, model or endpoint only. */
export interface Behind {
  readonly metric: string;
  /** Null: the time that the page is about. */
  readonly between: Between | null;
  readonly by: "agent" | "model" | "endpoint" | null;
  readonly name: string;
}

export function rangeInfo(range: Range): RangeInfo {
  return RANGES.find(({ id }) => id === range) ?? RANGES[0];
}

/** The shortest range of which what began at `since` is not more than half. Times are Unix seconds. */
export function rangeSince(since: number, now: number): Range {
  return (
    RANGES.find(({ seconds }) => seconds >= 2 * (now - since)) ??
    RANGES[RANGES.length - 1] ??
    RANGES[0]
  ).id;
}

export function parseSpan(range: string | null, zoom: string | null): Span {
  const known = RANGES.find(({ id }) => id === range) ?? RANGES[0];
  return { range: known.id, zoom: zoom === null ? null : parseBetween(zoom) };
}

export function formatBetween({ since, until }: Between): string {
  return `${tidy(since)}-${tidy(until)}`;
}

export function parseBetween(text: string): Between | null {
  const match = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text);
  if (match === null) return null;
  const [since, until] = [Number(match[1]), Number(match[2])];
  return since < until && until < 1e11 ? { since, until } : null;
}

/** `response_p95_ms`, `cost agent:writer`, `calls 1732600000-1732600060 model:embedded/smollm2`. */
export function formatBehind({ metric, between, by, name }: Behind): string {
  return [metric, between && formatBetween(between), by && `${by}:${name}`].filter(Boolean).join(" ");
}

export function parseBehind(text: string | null): Behind | null {
  const match = /^([a-z0-9_]+)(?: ([\d.]+-[\d.]+))?(?: (agent|model|endpoint):(.+))?$/.exec(text ?? "");
  if (match === null) return null;
  const [, metric = "", between, by, name = ""] = match;
  return {
    metric,
    between: between === undefined ? null : parseBetween(between),
    by: (by as Behind["by"]) ?? null,
    name,
  };
}

/** To the tenth: finer than anything that is measured. */
function tidy(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
