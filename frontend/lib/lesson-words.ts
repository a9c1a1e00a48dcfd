/** Approved answers in words, and what they are narrowed to, as the address has it. Pure. */

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

/** `+0.24, between −0.05 and +0.48 (90 %), from 6 tasks` */
export function usedWords({
  utility,
  low,
  high,
  uses,
}: Pick<Lesson, "utility" | "low" | "high" | "uses">): string {
  if (uses === 0) return "No task that was told it is known yet";
  return `${worth(utility)}, between ${worth(low)} and ${worth(high)} (90 %), from ${plural(uses, "task")}`;
}

/** A use, −1 to 1. */
export function worth(value: number): string {
  const rounded = Math.abs(value).toFixed(2);
  return rounded === "0.00" ? "0.00" : `${value < 0 ? "−" : "+"}${rounded}`;
}

/** Whether agents are told it, and if not, why. */
export function toldWords({ on, ready }: Pick<Lesson, "on" | "ready">): string {
  if (!on) return "Off: nobody is told it";
  return ready ? "Told where a task is alike" : "Told once its task was embedded";
}
