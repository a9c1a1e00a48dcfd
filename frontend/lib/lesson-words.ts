/** Approved answers in words, and what they are narrowed to, as the address has it. Pure. */

import { beliefWords, type Interval } from "@/lib/belief-words";
import { plural } from "@/lib/format";
import type { Lesson } from "@/lib/lessons-api";

export interface LessonPlace {
  readonly role: string;
  readonly query: string;
}

/** `writer`, `writer~harbour wall`, `~harbour wall`. */
export function parseLessonPlace(item: string | null): LessonPlace {
  const text = item ?? "";
  const at = text.indexOf("~");
  return at < 0 ? { role: text, query: "" } : { role: text.slice(0, at), query: text.slice(at + 1) };
}

export function formatLessonPlace({ role, query }: LessonPlace): string | null {
  const text = query === "" ? role : `${role}~${query}`;
  return text === "" ? null : text;
}

const HOW: Readonly<Record<Lesson["how"], string>> = {
  thumb: "You said it was good",
  edited: "As you edited it",
  preferred: "You preferred it to another",
  hand: "By hand",
};

export function howWords({ how }: Pick<Lesson, "how">): string {
  return HOW[how];
}

/** What is believed of the reward of tasks that were told it, 0 to 1 as in all records. */
export function rewardOf({ utility, low, high }: Pick<Lesson, "utility" | "low" | "high">): Interval {
  const reward = (value: number): number => (value + 1) / 2;
  return { mean: reward(utility), low: reward(low), high: reward(high) };
}

/** `Reward 0.62, with 90 % between 0.48 and 0.74, from 6 tasks` */
export function usedWords({
  utility,
  low,
  high,
  uses,
}: Pick<Lesson, "utility" | "low" | "high" | "uses">): string {
  if (uses === 0) return "No task that was told it is known yet";
  return `Reward ${beliefWords(rewardOf({ utility, low, high }))}, from ${plural(uses, "task")}`;
}

/** Whether agents are told it, and if not, why. */
export function toldWords({ on, ready }: Pick<Lesson, "on" | "ready">): string {
  if (!on) return "Off: nobody is told it";
  return ready ? "Told where a task is alike" : "Told once its task was embedded";
}
