/** What was used, of what may be: shares of budgets, and days as a chart shows them. Pure. */

import type { BudgetChange, DaySpend, ScopeSpend, UsedOf } from "@/lib/api";
import { amount, type SpendScope } from "@/lib/budget-words";

export type Measure = "tokens" | "seconds" | "money";
export const MEASURES: readonly Measure[] = ["tokens", "seconds", "money"];

export const SCOPE_NAMES: Readonly<Record<SpendScope, string>> = {
  day: "Today",
  thread: "This chat",
  owner: "In all",
  run: "Each run",
};
export const SCOPE_HINTS: Readonly<Record<SpendScope, string>> = {
  day: "From midnight to midnight, all chats together.",
  thread: "All runs of this chat together.",
  owner: "All chats together, for good.",
  run: "What one answer may use, its agents together. A message can be given limits of its own.",
};
const ORDER: readonly SpendScope[] = ["day", "thread", "owner", "run"];

/** In the order in which they are shown. */
export function inOrder(scopes: readonly ScopeSpend[]): ScopeSpend[] {
  return ORDER.flatMap((scope) => scopes.find((each) => each.scope === scope) ?? []);
}

export interface UsedShare {
  /** 0 to 1 of the limit. */
  readonly share: number;
  readonly tone: "plain" | "warned" | "spent";
}

/** `null`: there is no limit. */
export function usedShare({ used, limit }: UsedOf, warnAt: number): UsedShare | null {
  if (limit <= 0) return null;
  const share = used / limit;
  const tone = share >= 1 ? "spent" : warnAt > 0 && share >= warnAt ? "warned" : "plain";
  return { share: Math.min(1, share), tone };
}

/** `12,400 of 50,000 tokens`; for a scope that only limits, the limit; without one, what was used. */
export function usedWords(measure: Measure, { used, limit }: UsedOf, scope: SpendScope): string {
  if (scope === "run") return limit > 0 ? `at most ${amount(measure, limit)}` : "no limit";
  if (limit <= 0) return amount(measure, used);
  const of = amount(measure, limit);
  if (measure !== "tokens") return `${amount(measure, used)} of ${of}`;
  return `${amount(measure, used).replace(" tokens", "")} of ${of}`;
}

/** What a person typed of a scope's limits: only what is other than it was. An empty field is no limit. */
export function budgetChange(
  before: ScopeSpend,
  typed: Readonly<Record<Measure, string>>,
  threadId: string | null,
): BudgetChange | null {
  const change: BudgetChange = { scope: before.scope };
  let any = false;
  for (const measure of MEASURES) {
    const text = typed[measure].trim();
    const value = text === "" ? 0 : Number(text);
    if (!Number.isFinite(value) || value < 0 || value === before[measure].limit) continue;
    change[measure] = measure === "tokens" ? Math.round(value) : value;
    any = true;
  }
  if (!any) return null;
  return before.scope === "thread" && threadId !== null ? { ...change, threadId } : change;
}

const DAY_MS = 86_400_000;

function emptyDay(day: string): DaySpend {
  const none = { inputTokens: 0, outputTokens: 0, cachedTokens: 0, savedTokens: 0 };
  return { day, ...none, seconds: 0, money: 0, calls: 0 };
}

/** The last `count` days up to `today` (YYYY-MM-DD), or to the newest day there is; days without use are empty. */
export function lastDays(days: readonly DaySpend[], today: string, count = 30): DaySpend[] {
  const known = new Map(days.map((day) => [day.day, day]));
  const newest = [today, ...known.keys()].sort().at(-1);
  const end = Date.parse(`${newest}T00:00:00Z`);
  return Array.from({ length: count }, (_, at) => {
    const day = new Date(end - (count - 1 - at) * DAY_MS).toISOString().slice(0, 10);
    return known.get(day) ?? emptyDay(day);
  });
}

/** `12 July` */
export function dayWords(day: string): string {
  const date = new Date(`${day}T12:00:00Z`);
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "long", timeZone: "UTC" });
}

/** The day by our clock. */
export function dayOf(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
