/** Experiments in words and figures. Scores are shown in points of 100, as the reports have them. Pure. */

import type {
  Comparison,
  Experiment,
  ExperimentCheck,
  ExperimentState,
  Figures,
  Judged,
  Paired,
} from "@/lib/experiments-api";
import { count, money, percent, plural, shortDuration } from "@/lib/format";

export const STATE_WORDS: Readonly<Record<ExperimentState, string>> = {
  draft: "Not started",
  running: "Running",
  paused: "Paused",
  done: "Done",
  failed: "Failed",
  canceled: "Canceled",
};

export const EVALUATOR_WORDS = {
  exact: ["Exact", "The answer is what is expected, but for case and spaces around it."],
  regex: ["Contains", "What is expected, as a pattern, is found in the answer."],
  numeric: ["Number", "The last number of the answer is the one expected."],
  similarity: ["Meaning", "How near the answer is in meaning to what is expected."],
  judge: ["Judge", "A model compares the answer with the baseline’s, in both orders."],
  human: ["You", "You compare both answers without knowing whose they are."],
} as const;

type States = Readonly<Record<string, number>>;

export interface Progress {
  readonly done: number;
  readonly failed: number;
  readonly all: number;
  /** From 0 to 1. */
  readonly share: number;
}

/** `answered` is done by its variant, but not judged yet. */
export function progressOf(states: States): Progress {
  const of = (name: string): number => states[name] ?? 0;
  const all = Object.values(states).reduce((sum, each) => sum + each, 0);
  const failed = of("failed");
  const done = of("scored") + failed;
  return { done, failed, all, share: all === 0 ? 0 : done / all };
}

export function progressWords(states: States): string {
  const { done, failed, all } = progressOf(states);
  const unjudged = states.answered ?? 0;
  return [
    done === all ? `all ${plural(all, "run")} done` : `${count(done)} of ${plural(all, "run")} done`,
    ...(unjudged > 0 ? [`${count(unjudged)} not judged yet`] : []),
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
  ].join(", ");
}

/** How many runs more there are done by the progress than by the figures; below 0 the progress is the older one. */
export function behindBy(figures: readonly Pick<Figures, "waiting">[], states: States): number {
  const waiting = figures.reduce((sum, one) => sum + one.waiting, 0);
  return waiting - (states.waiting ?? 0) - (states.running ?? 0);
}

/** What figures of an experiment that still runs are of. */
export function basisWords(figures: readonly Pick<Figures, "runs" | "waiting">[]): string {
  const all = figures.reduce((sum, one) => sum + one.runs, 0);
  const ended = figures.reduce((sum, one) => sum + one.runs - one.waiting, 0);
  return `The verdict after ${count(ended)} of ${plural(all, "run")}`;
}

export function shapeWords({
  variants,
  rows,
  seeds,
}: Pick<Experiment, "variants" | "rows" | "seeds">): string {
  const often = seeds === 1 ? "" : `, ${count(seeds)} times each`;
  return `${plural(variants.length, "variant")} on ${plural(rows, "task")}${often}`;
}

/** `limits`: of its spec; what is no number counts as the usual. */
export function estimateWords(
  check: Pick<ExperimentCheck, "cells" | "runs" | "tokens" | "money">,
  limits: { seconds: number; parallel: number },
): string {
  const judged = check.runs - check.cells;
  const runs = `${plural(check.cells, "run")}${judged > 0 ? ` and up to ${plural(judged, "judgement")}` : ""}`;
  const most = Math.ceil(check.runs / Math.max(limits.parallel, 1)) * limits.seconds * 1000;
  const cost = check.money === 0 ? "no money, as far as prices are known" : `about ${money(check.money)}`;
  return `${runs}; about ${plural(check.tokens, "token")} and ${cost}, if every answer is as long as it may be; ${shortDuration(most)} at most, if every run takes all the time it has.`;
}

/** A score from 0 to 1, in points. */
export function points(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : (100 * value).toFixed(1);
}

/** A difference of scores, in points, with its sign. */
export function signedPoints(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const text = Math.abs(100 * value).toFixed(1);
  return text === "0.0" ? text : `${value < 0 ? "−" : "+"}${text}`;
}

export function intervalWords({ low, high }: Pick<Paired, "low" | "high">): string {
  return low === null || high === null ? "–" : `${signedPoints(low)} to ${signedPoints(high)}`;
}

/** `0.03`, `< 0.001` */
export function chance(p: number | null): string {
  if (p === null) return "–";
  return p < 0.001 ? "< 0.001" : p.toFixed(p < 0.1 ? 3 : 2);
}

/** Cohen's words for a size of effect, where one is known. */
export function effectWords(dZ: number | null): string {
  if (dZ === null) return "";
  const size = Math.abs(dZ);
  return size < 0.2 ? "negligible" : size < 0.5 ? "small" : size < 0.8 ? "medium" : "large";
}

/** Empty where the verdict says it: how many more tasks it takes to see what cannot be told yet. */
export function powerWords({ more, found, better }: Pick<Comparison, "more" | "found" | "better">): string {
  if (more !== null && more > 0 && better === "") return "";
  if (more === 0 && found.dZ === null) return "How many tasks it takes cannot be told of these.";
  if (more === null) return "Too few tasks to say how many it takes.";
  if (more === 0) return `These ${plural(found.n, "task")} would show a difference of 5 points.`;
  return `About ${plural(more, "more task", "more tasks")} would show a difference of 5 points.`;
}

/** How far to each side the bars reach, in scores: the same for all that stand together. */
export function reachOf(found: readonly Paired[]): number {
  const ends = found.flatMap(({ low, high, difference }) => [low, high, difference]);
  const most = Math.max(0.05, ...ends.map((value) => Math.abs(value ?? 0)));
  return Math.min(1, Math.ceil(most * 20) / 20);
}

/** Where a value stands on a bar, from 0 (left) to 100. */
export function barAt(value: number, reach: number): number {
  return 50 + 50 * Math.max(-1, Math.min(1, value / reach));
}

/** `better` as it is for a variant against the baseline. */
export function standingOf({ better, variant, base }: Comparison): "better" | "worse" | "open" {
  return better === variant ? "better" : better === base ? "worse" : "open";
}

export function failedWords({ failed, errors }: Pick<Figures, "failed" | "errors">): string {
  const why = Object.entries(errors).map(([code, times]) => `${code.replaceAll("_", " ")} ${count(times)}`);
  return `${plural(failed, "run")} failed: ${why.join(", ")}`;
}

export function judgeWords({
  judge,
  pairs,
  none,
  firstPlace,
  secondPlace,
  both,
  agree,
  kappa,
}: Judged): string {
  const place = `${count(firstPlace)} of ${plural(pairs - none, "pair")} went to whoever came first, ${count(secondPlace)} to the second`;
  const people =
    agree === null
      ? "nobody has judged the same pairs yet"
      : `it agrees with people on ${percent(agree)} of ${plural(both, "pair")}${kappa === null ? "" : ` (kappa ${kappa.toFixed(2)})`}`;
  return `${judge}: ${plural(pairs, "pair")}, ${count(none)} without a verdict; ${place}; ${people}.`;
}
