/** What was recalled and what was left out, in words. Pure. */

import { count, duration, plural } from "@/lib/format";
import type { PassedOver } from "@/lib/protocol";
import type { RecallState } from "@/lib/recall-state";

const WHY: Readonly<Record<PassedOver["why"], string>> = {
  budget: "no room was left for it",
  alike: "too like a better one",
  weak: "has little to do with it",
  known: "known to the agent anyway",
  outdated: "said when something else was true, or forgotten since",
};

export function missedReason(why: PassedOver["why"]): string {
  return WHY[why] ?? why;
}

/** Why it was left out. Only where there was no room does its score say anything: those that came had a higher one. */
export function missedWords({ why, score }: Pick<PassedOver, "why" | "score">): string {
  return why === "budget" ? `${missedReason(why)} · score ${score.toFixed(2)}` : missedReason(why);
}

/** Who looked: `before its answer`, `by its tool recall`. */
export function askedBy({ callId }: Pick<RecallState, "callId">): string {
  return callId === "" ? "before it wrote" : "asked for by the agent";
}

/** The agent read the team's board, which is kept as memories: nothing was searched. */
export function isBoard({ query, callId }: Pick<RecallState, "query" | "callId">): boolean {
  return callId !== "" && query === "team/";
}

/** `before it wrote · the best 3 of 412 compared · 4 ms` */
export function lookedWords(recall: RecallState): string {
  const { considered, hits, ms } = recall;
  const compared =
    considered === 0
      ? null
      : hits.length === 0
        ? `${plural(considered, "memory", "memories")} compared, none fitted`
        : hits.length < considered
          ? `the best ${count(hits.length)} of ${count(considered)} compared`
          : `${plural(considered, "memory", "memories")} compared`;
  return [askedBy(recall), compared, ms > 0 ? duration(ms) : null].filter(Boolean).join(" · ");
}

export const WORDS_ONLY = "By words only: the embedder was not ready.";

/** Of a journal entry: what was found, and how much of it was left out. */
export function recalledWords(hits: number, missed: number): string {
  const found = hits === 0 ? "No memory was recalled" : `${plural(hits, "memory", "memories")} recalled`;
  return missed === 0 ? found : `${found}, ${count(missed)} left out`;
}

export interface MemoryToolWords {
  /** What stands after “the researcher wants to”. */
  readonly wants: string;
  readonly did: string;
  /** What it is about, in the agent's words. */
  readonly what: string;
}

/** Tools that agents use on memory, as what they did; `null`: another tool. */
export function memoryToolWords(name: string, args: string): MemoryToolWords | null {
  const given = parsed(args);
  const word = (key: string): string => (typeof given[key] === "string" ? given[key] : "");
  switch (name) {
    case "recall":
      return { wants: "look in its memory", did: "Looked in its memory for", what: word("query") };
    case "remember":
      return { wants: "remember something", did: "Wanted to remember", what: word("text") };
    case "forget":
      return { wants: "forget a memory", did: "Wanted to forget", what: word("id") };
    default:
      return null;
  }
}

function parsed(args: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(args);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** What a call on memory came to: the first sentence that the agent was told. */
export function memoryToolResult(name: string, ok: boolean, content: string): string | null {
  if (!ok) return "it was refused";
  if (name === "recall") {
    if (/^Nothing is known/.test(content)) return "found nothing";
    return `found ${plural(content.split("\n").filter((line) => line !== "").length, "memory", "memories")}`;
  }
  if (name === "remember") return /^Known already/.test(content) ? "known already" : "kept";
  return name === "forget" ? "forgotten" : null;
}
