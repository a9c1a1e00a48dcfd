/** What is believed of one thing, and why: as the server says it, and in words. Knows no React. */

import { request } from "@/lib/api";
import { plural } from "@/lib/format";
import type { components } from "@/lib/protocol.gen";

export type Why = components["schemas"]["WhyList"];
export type WhyRun = Why["runs"][number];

/** Runs that are asked for; of those that say more, there is the count. */
const MOST = 50;

export function readWhy(item: string, signal?: AbortSignal): Promise<Why> {
  const query = new URLSearchParams({ item, limit: String(MOST) });
  return request<Why>("GET", `/learning/why?${query}`, undefined, signal);
}

/** `+0.34`, `−0.20`, `0` */
export function signed(value: number): string {
  const rounded = Math.abs(value).toFixed(2);
  if (Number(rounded) === 0) return "0";
  return `${value > 0 ? "+" : "−"}${rounded}`;
}

/** `0.71 (0.55 to 0.83)` */
export function beliefWords({ mean, low, high }: Pick<Why, "mean" | "low" | "high">): string {
  return `${mean.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** How the number comes about, as one sentence. */
export function basisWords({ total, weight, priorMean, priorWeight, changed }: Why): string {
  const prior = `what is believed of anything at first, ${priorMean.toFixed(2)} with weight ${short(priorWeight)}`;
  if (total === 0) return `Nothing was said yet of an answer with it, so this is ${prior}.`;
  const since = changed ? " What came before a change counts less." : "";
  return `The mean of ${plural(total, "task")} with weight ${short(weight)} in all, and of ${prior}.${since}`;
}

/** What was heard of a run: `you said it was good; it was copied`. */
export function heardWords({ signals }: Pick<WhyRun, "signals">): string {
  return signals.map(({ name, why, means }) => why || means || name).join("; ");
}

/** What it counts: `reward 1.00, weight 0.42 (a third of the credit)`, the weight as it is by now. */
export function countsWords({ reward, now, weight, share }: WhyRun): string {
  const faded = weight - now > 0.005 ? ` of ${weight.toFixed(2)} once` : "";
  return `reward ${reward.toFixed(2)}, weight ${now.toFixed(2)}${faded}, ${Math.round(100 * share)} % of the credit`;
}

function short(value: number): string {
  return Number(value.toFixed(1)).toString();
}
