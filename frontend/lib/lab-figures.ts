/** What is chosen in the lab, and its curves as figures: in the address, on a chart, in a table, in words. Pure. */

import { count, percent } from "@/lib/format";
import type { Band, Curves, Lab, LabRun, LabRunBody } from "@/lib/lab-api";

/** `tasks` 0: as many as the world is made for. */
export interface LabChoice {
  readonly world: string;
  readonly policies: readonly string[];
  readonly tasks: number;
  readonly seeds: number;
}

export const MOST_TASKS = 5000;
export const MOST_SEEDS = 200;
export const MOST_POLICIES = 8;
const SEEDS = 20;
/** Alma's bandit beside the textbook's. */
const BESIDE = ["alma", "thompson", "usual"];

/** `drift~alma,thompson~900~20`; what is missing or unknown is as usual. */
export function parseChoice(item: string | null, lab: Lab): LabChoice {
  const [world, policies = "", tasks = "", seeds = ""] = (item ?? "").split("~");
  const known = new Set(lab.policies.map(({ name }) => name));
  const asked = policies.split(",").filter((name) => known.has(name));
  const usual = BESIDE.filter((name) => known.has(name));
  return {
    world: (lab.worlds.find(({ name }) => name === world) ?? lab.worlds[0])?.name ?? "",
    policies: (asked.length > 0 ? asked : usual).slice(0, MOST_POLICIES),
    tasks: whole(tasks, 0, 0, MOST_TASKS),
    seeds: whole(seeds, SEEDS, 1, MOST_SEEDS),
  };
}

export function formatChoice({ world, policies, tasks, seeds }: LabChoice): string {
  return [world, policies.join(","), tasks, seeds].join("~");
}

function whole(text: string, usual: number, least: number, most: number): number {
  const value = Number.parseInt(text, 10);
  return Number.isNaN(value) ? usual : Math.min(Math.max(value, least), most);
}

export function bodyOf({ world, policies, tasks, seeds }: LabChoice): LabRunBody {
  return { world, policies: [...policies], tasks, seeds };
}

/** How many tasks are played in all. */
export function playsOf({ world, policies, tasks, seeds }: LabChoice, lab: Lab): number {
  const usual = lab.worlds.find(({ name }) => name === world)?.tasks ?? 0;
  return (tasks || usual) * seeds * policies.length;
}

/** As many seeds as fit into one run. */
export function fittingSeeds(choice: LabChoice, lab: Lab): number {
  const each = playsOf({ ...choice, seeds: 1 }, lab);
  return Math.max(1, Math.min(choice.seeds, Math.floor(lab.most / Math.max(each, 1))));
}

// ── charts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export type CurveName = "regret" | "reward" | "best";

export interface CurveInfo {
  readonly name: CurveName;
  readonly title: string;
  readonly means: string;
}

export const CURVES: readonly CurveInfo[] = [
  {
    name: "regret",
    title: "Regret",
    means: "What the best choice would have brought more, summed up. Less is better.",
  },
  { name: "reward", title: "Reward", means: "Of a task, as users truly got it." },
  { name: "best", title: "Share of the best", means: "Of the tasks, those that the best choice did." },
];

const LEAST_TOP = 4; // of regret: less is nothing

/** To which value a chart goes from 0: a round one that is above all. */
export function topOf(curves: readonly Curves[], name: CurveName): number {
  if (name !== "regret") return 1;
  const most = Math.max(LEAST_TOP, ...curves.flatMap(({ regret }) => regret.high));
  return stepOf(most) * Math.max(1, Math.ceil(most / stepOf(most)));
}

/** 1, 2 or 5 times a power of ten, so that there are three to seven of it. */
export function stepOf(most: number): number {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most / 3));
  return [1, 2, 5].map((step) => step * power).findLast((step) => most / step >= 3) ?? power;
}

export function ticksOf(top: number): number[] {
  const step = top === 1 ? 0.25 : stepOf(top);
  return Array.from({ length: Math.round(top / step) + 1 }, (_, at) => Number((at * step).toPrecision(6)));
}

export interface Box {
  readonly width: number;
  readonly height: number;
  /** The value at its top. */
  readonly top: number;
  /** The task at its right. */
  readonly last: number;
}

function placed({ width, height, top, last }: Box, at: number, value: number): string {
  const x = (width * at) / Math.max(last, 1);
  const y = height * (1 - Math.min(Math.max(value / top, 0), 1));
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

export function linePath(at: readonly number[], values: readonly number[], box: Box): string {
  return at
    .map((task, index) => `${index === 0 ? "M" : "L"}${placed(box, task, values[index] ?? 0)}`)
    .join("");
}

/** The interval as an area: along its upper edge, and back along its lower one. */
export function bandPath(at: readonly number[], { low, high }: Band, box: Box): string {
  if (at.length === 0) return "";
  const back = at.map((task, index) => `L${placed(box, task, low[index] ?? 0)}`).reverse();
  return `${linePath(at, high, box)}${back.join("")}Z`;
}

/** The point that is nearest to a task. */
export function nearest(at: readonly number[], task: number): number {
  let found = 0;
  for (const [index, one] of at.entries())
    if (Math.abs(one - task) < Math.abs((at[found] ?? 0) - task)) found = index;
  return found;
}

const COLOURS = 4;

/** A policy's line: always the same among those that there are; those beyond the colours are dashed. */
export function styleOf(
  policy: string,
  lab: Lab,
): { readonly colour: string; readonly dash: string | undefined } {
  const place = Math.max(
    0,
    lab.policies.findIndex(({ name }) => name === policy),
  );
  const turn = Math.floor(place / COLOURS); // so that what is compared most has colours apart
  return {
    colour: `var(--series-${((place + turn) % COLOURS) + 1})`,
    dash: place < COLOURS ? undefined : "5 4",
  };
}

// ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `42.1`, `0.63`, `71 %` */
export function figure(value: number, name: CurveName): string {
  if (name === "best") return percent(value);
  return name === "reward" ? value.toFixed(2) : value.toFixed(1);
}

/** `42.1 (38.0 to 46.5)` of the point; at the end where none is named. One life has no interval. */
export function pointWords(band: Band, name: CurveName, seeds: number, point = band.mean.length - 1): string {
  const [mean = 0, low = 0, high = 0] = [band.mean[point], band.low[point], band.high[point]];
  if (seeds < 2) return figure(mean, name);
  return `${figure(mean, name)} (${figure(low, name)} to ${figure(high, name)})`;
}

/** A whole number as it was typed; null where it is none, or too small or large. */
export function typedWhole(text: string, most: number): number | null {
  const value = Number(text);
  return /^\d+$/.test(text.trim()) && value >= 1 && value <= most ? value : null;
}

/** What shades and brackets mean. */
export function intervalNote(seeds: number): string {
  return seeds < 2
    ? "One life has no interval: more seeds say how far it is chance."
    : "Shaded, and in brackets, is where the mean lies with 95 %.";
}

/** Those that lost least first. */
export function ranked(curves: readonly Curves[]): Curves[] {
  const end = ({ regret }: Curves): number => regret.mean.at(-1) ?? 0;
  return [...curves].sort((one, other) => end(one) - end(other));
}

/** What comes of it, as a sentence. Policies met the same lives, so they are compared seed by seed. */
export function verdictWords({ curves, tasks, seeds }: LabRun): string {
  const [first, second] = ranked(curves);
  if (first === undefined) return "";
  const lost = `loses ${pointWords(first.regret, "regret", seeds)} over ${count(tasks)} tasks`;
  if (second === undefined) return `${first.policy} ${lost}.`;
  if (seeds < 3) return `${first.policy} ${lost}, least of all; from so few seeds that says little.`;
  const { mean, low, high } = apart(first.regrets, second.regrets);
  const than = `than ${second.policy}, by ${tenths(mean)} (${tenths(low)} to ${tenths(high)})`;
  if (low > 0) return `${first.policy} ${lost}, less ${than}.`;
  return `${first.policy} ${lost}, and ${second.policy} about as much: they differ by ${tenths(mean)} (${tenths(low)} to ${tenths(high)}), which may be chance.`;
}

function tenths(value: number): string {
  return value.toFixed(1).replace("-", "−");
}

/** How much more the other lost, seed by seed, with its 95 % interval (Student's t). */
export function apart(
  one: readonly number[],
  other: readonly number[],
): { readonly mean: number; readonly low: number; readonly high: number } {
  const differences = one.map((value, seed) => (other[seed] ?? 0) - value);
  const n = differences.length;
  const mean = differences.reduce((sum, each) => sum + each, 0) / Math.max(n, 1);
  if (n < 2) return { mean, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const variance = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (n - 1);
  const reach = quantile(n - 1) * Math.sqrt(variance / n);
  return { mean, low: mean - reach, high: mean + reach };
}

/** Of Student's t at 97.5 %, by the expansion of Abramowitz and Stegun, 26.7.5; within 1 % from 2 degrees on. */
function quantile(degrees: number): number {
  const z = 1.959964;
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92_160,
  ];
  return terms.reduce((sum, term, at) => sum + term / degrees ** (at + 1), z);
}
