/** How tasks are given away, in words. Pure. */

import { sentence } from "@/lib/belief-words";
import { percent, plural } from "@/lib/format";
import { CHOSEN_BY } from "@/lib/learned-words";
import type { Arm, Chosen, Lately } from "@/lib/router-api";

/** `writer-brief with local/qwen`, `manager, split by compare`, `manager, without a plan` */
export function armWords({ role, model, pattern }: Pick<Arm, "role" | "model" | "pattern">): string {
  const who = model === "" ? role : `${role} with ${model}`;
  if (pattern === "") return who;
  return `${who}, ${pattern === "direct" ? "without a plan" : `split by ${pattern.replaceAll("_", " ")}`}`;
}

/** `expected 0.60: as of any answer (0.58), it is the usual one (+0.02)` */
export function priorWords({ prior, priorFrom }: Pick<Arm, "prior" | "priorFrom">): string {
  return `Before it had done anything, ${prior.toFixed(2)} was expected of it: ${priorFrom}.`;
}

export function shareWords({ share }: Pick<Arm, "share">): string {
  return share >= 0.9995 ? "Would get every such task now" : `Would get ${percent(share)} of such tasks now`;
}

/** How much of the budget for trying out was used. */
export function latelyWords({ choices, explored, budget, waits }: Lately): string {
  if (choices === 0) return "Nothing was up to choice yet.";
  let most = `On average at most ${percent(budget)} may be.`;
  if (budget === 0) most = "Nothing may be now.";
  else if (waits) most = "Nothing is before more was said of such tasks.";
  if (explored === 0)
    return `Of the last ${plural(choices, "choice")} none was made to find out more. ${most}`;
  const was = explored === 1 ? "was" : "were";
  return `Of the last ${plural(choices, "choice")} ${explored} ${was} made to find out more, which is ${percent(explored / choices)}. ${most}`;
}

/** Used, as a part of what may be: 0 to 1 and over. */
export function budgetUsed({ choices, explored, budget }: Lately): number {
  if (choices === 0 || explored === 0) return 0;
  return budget === 0 ? 1 : explored / choices / budget;
}

/** `Believed best, with odds of 93 %` */
export function chosenWords({ by, propensity }: Pick<Chosen, "by" | "propensity">): string {
  const odds = propensity < 0.9995 ? `, with odds of ${percent(propensity)}` : "";
  return `${sentence(CHOSEN_BY[by])}${odds}`;
}

export function rewardWords(reward: number | null): string {
  return reward === null ? "nothing was said of it" : `reward ${reward.toFixed(2)}`;
}
