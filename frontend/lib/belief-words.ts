/** What is believed, in words and figures: of what, how surely, and by what. Pure. */

import { duration, money, plural } from "@/lib/format";
import { optionWords } from "@/lib/learned-words";
import type { HeardSignal, LearningRecord, Why, WhyRun } from "@/lib/records-api";

export interface WhatInfo {
  readonly id: "role" | "model" | "pattern" | "arm" | "prompt" | "memory" | "example" | "note";
  readonly label: string;
  /** What is said where none has a record. */
  readonly none: string;
}

export const WHATS: readonly WhatInfo[] = [
  { id: "role", label: "Roles", none: "No agent has a record here yet." },
  { id: "model", label: "Models", none: "No model has a record here yet." },
  {
    id: "pattern",
    label: "Patterns",
    none: "No way to split a request has a record here yet: they get one by analytical requests.",
  },
  {
    id: "arm",
    label: "Ways",
    none: "Nothing was up to choice here yet. Where a role has variants, models or patterns to choose from, each way gets a record.",
  },
  { id: "prompt", label: "Prompts", none: "No prompt has a record here yet." },
  {
    id: "memory",
    label: "Memories",
    none: "No memory has a record here yet: one gets it by standing in the prompt of a task.",
  },
  {
    id: "example",
    label: "Examples",
    none: "No example has a record here yet. Answers that you approve become examples; those that were told to an agent get a record.",
  },
  {
    id: "note",
    label: "Notes",
    none: "No note has a record here yet. Notes are made out of what went well and badly; they get a record once they are told.",
  },
];

export function whatOf(of: string): WhatInfo["id"] {
  const name = of.split(":")[0];
  return WHATS.find(({ id }) => id === name)?.id ?? "role";
}

/** The name without its kind: `writer` of `role:writer`. */
export function nameOf(item: string): string {
  return item.slice(item.indexOf(":") + 1);
}

/** A note's role, the set that it is in, and its id there: of `note:writer.77aa0c.n1`. */
export function noteOf(item: string): { role: string; set: string; id: string } | null {
  const [, role, set, id] = /^note:([^.]+)\.([^.]+)\.(.+)$/.exec(item) ?? [];
  return role && set && id ? { role, set, id } : null;
}

/** How people call it. `text`: what it says, where it says something. */
export function itemWords(item: string, text?: string): string {
  const name = nameOf(item);
  switch (whatOf(item)) {
    case "arm":
      return sentence(optionWords("arm", name));
    case "pattern":
      return name === "direct" ? "Without a plan" : sentence(name.replaceAll("_", " "));
    case "prompt":
    case "memory":
    case "example":
      return text ?? name;
    case "note":
      return text ?? noteName(item);
    default:
      return name;
  }
}

function noteName(item: string): string {
  const note = noteOf(item);
  return note === null ? nameOf(item) : `A note of ${note.role}, ${note.id}`;
}

export function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const CONTEXTS: Readonly<Record<string, string>> = {
  "": "All tasks",
  chat: "Chat",
  creative: "Creative",
  analytical: "Analytical",
};

export function contextWords(context: string): string {
  return CONTEXTS[context] ?? `Tasks of ${context.replace(/^task:/, "")}`;
}

/** All that there are, given the roles that do tasks of a plan. `now`: the one that is looked at, known or not. */
export function contextsOf(roles: readonly string[], now: string): string[] {
  const found = [
    ...Object.keys(CONTEXTS),
    ...roles.filter((role) => role !== "manager").map((role) => `task:${role}`),
  ];
  return found.includes(now) ? found : [...found, now];
}

// ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** A reward, 0 to 1. */
export function score(value: number): string {
  return value.toFixed(2);
}

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** `0.71, with 90 % between 0.62 and 0.79` */
export function beliefWords({ mean, low, high }: Interval): string {
  return `${score(mean)}, with 90 % between ${score(low)} and ${score(high)}`;
}

/** The prior weighs as two runs: with less than that it is mostly what is believed of anything. */
export function evidenceWords(weight: number): "none" | "little" | "some" | "much" {
  return weight <= 0 ? "none" : weight < 2 ? "little" : weight < 15 ? "some" : "much";
}

/** `14 tasks, 2 failed` */
export function tasksWords({ tasks, errors }: Pick<LearningRecord, "tasks" | "errors">): string {
  return errors > 0 ? `${plural(tasks, "task")}, ${errors} failed` : plural(tasks, "task");
}

export function timeWords(ms: number | null): string {
  return ms === null || ms <= 0 ? "–" : duration(ms);
}

/** Free, or of an unknown price, is nothing to show. */
export function costWords(dollars: number | null): string {
  return dollars === null || dollars <= 0 ? "–" : money(dollars);
}

// ── why ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The whole number in one sentence. */
export function whyWords({ mean, low, high, priorMean, weight, total, changed }: Why): string {
  const prior = `what is believed of anything (${score(priorMean)}, with the weight of two clear words)`;
  if (total === 0) return `Nothing speaks of it yet: this is ${prior}.`;
  const rests = `${score(mean)} is the mean of ${prior} and of ${plural(total, "task")} that ${total === 1 ? "speaks" : "speak"}, together with the weight of ${weight.toFixed(1)}.`;
  const sure = ` With 90 % it lies between ${score(low)} and ${score(high)}.`;
  return `${rests}${sure}${changed ? " Its rewards have changed of late, so what came before counts less." : ""}`;
}

/** `counts 0.82`; `counts 0.41 of 1.05, as it is older`; with its share of the credit. */
export function countsWords({ now, weight, share }: Pick<WhyRun, "now" | "weight" | "share">): string {
  const older = weight - now >= 0.005 ? ` of ${weight.toFixed(2)}, as it is older` : "";
  const part = share < 0.995 ? `, with ${Math.round(share * 100)} % of the credit` : "";
  return `counts ${now.toFixed(2)}${older}${part}`;
}

const SIGNALS: Readonly<Record<string, string>> = {
  thumb: "Your thumb",
  edited: "You edited it",
  preferred: "You preferred it to another answer",
  passed_over: "You preferred another answer",
  route: "What you said of its kind",
  plan: "What you said of its plan",
  corrected: "What you said next corrected it",
  retried: "You had it answered again",
  resent: "You put the question in other words",
  stopped: "You stopped it",
  copied: "You copied it",
  critic: "The critic",
  done_when: "Whether it was done as planned",
  ended: "How it ended",
  schema: "The form of its answers",
  tools: "Its tool calls",
  latency: "The time it took",
  cost: "What it cost",
  passed_on: "What was said of the whole answer",
};

/** The name of a signal. */
export function signalName(name: string): string {
  return SIGNALS[name] ?? sentence(name.replaceAll("_", " "));
}

/** `Thumbs up: just right` */
export function heardWords({ name, value, why, means }: HeardSignal): string {
  const thumb = value > 0.5 ? "Thumbs up" : value < 0.5 ? "Thumbs down" : "A thumb between";
  const who = name === "thumb" ? thumb : signalName(name);
  return why === "" || why === means ? who : `${who}: ${why}`;
}

export const KIND_WORDS: Readonly<Record<HeardSignal["kind"], string>> = {
  explicit: "What you say",
  implicit: "What you do",
  automatic: "What Alma sees",
};

/** What counts most first. */
export function loudestFirst(signals: readonly HeardSignal[]): HeardSignal[] {
  return [...signals].sort((one, other) => other.counts - one.counts);
}
