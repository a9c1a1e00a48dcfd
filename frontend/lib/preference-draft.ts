/** What an owner types who changes what learning may do: checked as it is typed, said in sentences. Pure. */

import { signalName } from "@/lib/belief-words";
import type { PreferenceChange, Preferences } from "@/lib/records-api";

export interface PreferenceDraft {
  readonly on: boolean;
  /** Percent; empty: as Alma's settings say. */
  readonly exploration: string;
  readonly time: string;
  readonly money: string;
  /** By signal. */
  readonly weights: Readonly<Record<string, string>>;
}

/** By field: `exploration`, `time`, `money`, or the name of a signal. */
export type DraftProblems = Readonly<Record<string, string>>;

export function draftOf({ on, ownExploration, time, money, signals }: Preferences): PreferenceDraft {
  return {
    on,
    exploration: ownExploration === null ? "" : plain(100 * ownExploration),
    time: plain(time),
    money: plain(money),
    weights: Object.fromEntries(signals.map(({ name, weight }) => [name, plain(weight)])),
  };
}

function plain(value: number): string {
  return String(Number(value.toFixed(4)));
}

/** NaN where it is no number. A comma is a point to many. */
function read(text: string): number {
  const trimmed = text.trim().replace(",", ".");
  return /^\d*\.?\d+$|^\d+\.$/.test(trimmed) ? Number(trimmed) : Number.NaN;
}

function within(value: number, most: number): boolean {
  return Number.isFinite(value) && value >= 0 && value <= most;
}

export function problemsOf({ exploration, time, money, weights }: PreferenceDraft): DraftProblems {
  const found: Record<string, string> = {};
  if (exploration.trim() !== "" && !within(read(exploration), 100))
    found.exploration = "This is a share of tasks: a number from 0 to 100, or nothing for the usual one.";
  if (!within(read(time), 1)) found.time = "This is a part of a reward: a number from 0 to 1.";
  if (!within(read(money), 1)) found.money = "This is a part of a reward: a number from 0 to 1.";
  for (const [name, weight] of Object.entries(weights))
    if (!within(read(weight), 10))
      found[name] =
        `${signalName(name)}: a weight is a number from 0 to 10; 0 leaves it out, 1 is a clear word.`;
  return found;
}

/** What the server is told; weights that are as usual are left to it. Only of a draft without problems. */
export function changeOf(draft: PreferenceDraft, { signals }: Preferences): PreferenceChange {
  const weights = signals
    .map(({ name, usual }) => [name, read(draft.weights[name] ?? plain(usual)), usual] as const)
    .filter(([, weight, usual]) => weight !== usual)
    .map(([name, weight]) => [name, weight] as const);
  return {
    on: draft.on,
    exploration: draft.exploration.trim() === "" ? null : read(draft.exploration) / 100,
    time: read(draft.time),
    money: read(draft.money),
    weights: Object.fromEntries(weights),
  };
}

export function isChanged(draft: PreferenceDraft, now: Preferences): boolean {
  return JSON.stringify(draft) !== JSON.stringify(draftOf(now));
}

/** What holds, in a sentence or two. */
export function preferenceWords({ on, allowed, exploration, time, money, signals }: Preferences): string {
  if (!allowed) return "Learning is off in this Alma. Start it with ALMA_LEARNING=true to let it learn.";
  if (!on) return "You have turned learning off. Records are still kept, and nothing acts on them.";
  const tried =
    exploration === 0
      ? "Nothing is tried out"
      : `Up to ${Math.round(1000 * exploration) / 10} % of tasks are done otherwise than is believed best, to find out more`;
  const worth = [time > 0 ? "time" : "", money > 0 ? "money" : ""].filter(Boolean).join(" and ");
  const own = signals.filter(({ weight, usual }) => weight !== usual).length;
  const more = [
    worth === "" ? "" : `${worth} ${worth.includes(" and ") ? "count" : "counts"} too`,
    own === 0
      ? ""
      : `you changed ${own === 1 ? "the weight of one signal" : `the weights of ${own} signals`}`,
  ].filter(Boolean);
  return `Learning is on. ${[tried, ...more].join("; ")}.`;
}
