/** The example of an error, taken apart for who reads it, and the groups of errors as a list. Pure. */

import { plural } from "@/lib/format";
import type { ErrorGroup, ErrorState } from "@/lib/health-api";

export interface ErrorExample {
  readonly message: string;
  readonly traceback: string;
  /** Ids of what it was about that can be opened here. */
  readonly runId: string | null;
  readonly threadId: string | null;
  /** All else that was noted, by name. */
  readonly context: readonly (readonly [string, string])[];
}

export const STATE_WORDS: Readonly<Record<ErrorState, string>> = {
  open: "Open",
  resolved: "Resolved",
  muted: "Muted",
};

function word(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Ids come under either spelling, at the top or within `context`. */
function flat(example: ErrorGroup["example"]): Map<string, string> {
  const all = new Map<string, string>();
  for (const [name, value] of Object.entries(example)) {
    const isNested = typeof value === "object" && value !== null && !Array.isArray(value);
    const entries: [string, unknown][] = isNested ? Object.entries(value as object) : [[name, value]];
    for (const [inner, text] of entries) all.set(snake(inner), word(text));
  }
  return all;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function exampleOf({ example, title }: ErrorGroup): ErrorExample {
  const all = flat(example);
  const take = (...names: string[]): string | null => {
    let found: string | null = null;
    for (const name of names) {
      found ??= all.get(name) || null;
      all.delete(name);
    }
    return found;
  };
  const message = take("message") ?? title;
  const traceback = (take("traceback", "trace", "stack") ?? "").trimEnd();
  const osThread = take("os_thread");
  const at = take("at");
  const runId = take("run_id", "run");
  const threadId = take("thread_id", "thread");
  const context: [string, string][] = [
    ["at", Number(at) > 0 ? `${isoOf(Number(at))} UTC` : (at ?? "")],
    ...all,
    ["thread of the process", osThread ?? ""],
  ];
  return { message, traceback, runId, threadId, context: context.filter(([, text]) => text !== "") };
}

/** All of it as text, to be sent to somebody. */
export function reportOf(group: ErrorGroup): string {
  const { message, traceback, runId, threadId, context } = exampleOf(group);
  const facts: [string, string | null][] = [
    ["run", runId],
    ["thread", threadId],
    ...context.map(([n, t]): [string, string] => [n, t]),
  ];
  return [
    `${group.title} (${group.fingerprint})`,
    `${plural(group.count, "time")}, first ${isoOf(group.firstAt)}, last ${isoOf(group.lastAt)}`,
    `at ${group.place}`,
    ...facts.flatMap(([name, text]) => (text === null ? [] : [`${name}: ${text}`])),
    "",
    message,
    ...(traceback === "" ? [] : ["", traceback]),
  ].join("\n");
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}

/** Of one state, or all; the newest first. */
export function groupsOf(groups: readonly ErrorGroup[], state: ErrorState | "any"): ErrorGroup[] {
  return groups
    .filter((group) => state === "any" || group.state === state)
    .sort((one, other) => other.lastAt - one.lastAt);
}

export function countsOf(groups: readonly ErrorGroup[]): Readonly<Record<ErrorState, number>> {
  const counts = { open: 0, resolved: 0, muted: 0 };
  for (const { state } of groups) counts[state] += 1;
  return counts;
}
