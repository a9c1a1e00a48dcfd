/** What had no room in a prompt, and what became of it, in words. Pure. */

import { plural } from "@/lib/format";
import type { ContextNote } from "@/lib/protocol";
import { listed } from "@/lib/task-words";

type Rung = ContextNote["rung"];

const RUNG_REASONS: Readonly<Record<Rung, string>> = {
  duplicates: "What is said twice needs to be said once.",
  memories: "They were likely to help least.",
  summary: "The newest turns stay as they were.",
  results: "Each keeps its beginning and its end; the agent can read on with a tool.",
  refused: "Even with all else left out, the role and the task have no room.",
};

/** Sections that can be left out or shortened: one of them, several of them. */
const KINDS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  memory: ["memory", "memories"],
  example: ["example", "examples"],
  learned: ["learned note", "learned notes"],
  result: ["result", "results"],
  tool: ["tool’s text", "tools’ texts"],
  message: ["message", "messages"],
  board: ["entry of the blackboard", "entries of the blackboard"],
  call: ["tool call", "tool calls"],
};

/** `memory m1, memory m2, example 3` → `2 memories and 1 example`; names of no kind stand for themselves. */
function things(refs: readonly string[], otherwise: string): string {
  const counts = new Map<string, number>();
  const others: string[] = [];
  for (const ref of refs) {
    const kind = ref.split(" ")[0] ?? "";
    if (kind in KINDS) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    else others.push(ref);
  }
  const known = [...counts].map(([kind, many]) => plural(many, ...(KINDS[kind] ?? [kind, kind])));
  return listed([...known, ...others]) || otherwise;
}

/** How many turns a note speaks of; it names only those that it looked at. */
function turnsOf({ refs = [], detail = "" }: ContextNote): number {
  return Number(/^\d+/.exec(detail)?.[0] ?? refs.length);
}

/** One step, as what stands after “left out:”. */
export function trimWords(note: ContextNote): string {
  const { rung, refs = [], detail = "" } = note;
  switch (rung) {
    case "duplicates":
      return `${things(refs, "what was")} said twice`;
    case "memories":
      return things(refs, "memories");
    case "summary": {
      const turns = turnsOf(note);
      const told = /summary stands/.test(detail) ? " (told in a summary)" : "";
      return `${turns > 0 ? plural(turns, "earlier turn") : "earlier turns"}${told}`;
    }
    case "results":
      if (/^tools had/.test(detail)) return `the tools ${things(refs, "")}`;
      return `${/^(shortened|kept short)/.test(detail) ? "parts of " : ""}${things(refs, "results")}`;
    case "refused":
      return "the whole prompt";
  }
}

/** Why it was done so. */
export function trimReason({ rung, detail = "" }: ContextNote): string {
  const own =
    rung === "summary" || (rung === "results" && !detail.startsWith("shortened")) || rung === "refused";
  const words = detail.split("; ").at(-1) ?? "";
  if (!own || words === "") return RUNG_REASONS[rung];
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? "" : "."}`;
}

/** All steps of a prompt in one line, to stand after “left out:”; `null` where nothing was left out. */
export function leftOutWords(trims: readonly ContextNote[], leftOutTurns = 0): string | null {
  const told = trims
    .filter(
      ({ rung, detail = "" }) => rung !== "refused" && rung !== "summary" && !/^kept short/.test(detail),
    )
    .map(trimWords);
  // Turns may have been taken out in several steps; what counts is how many are gone, and whether a summary is left.
  const steps = trims.filter(({ rung }) => rung === "summary");
  const last = steps.at(-1);
  const turns = leftOutTurns || steps.reduce((sum, step) => sum + turnsOf(step), 0);
  if (last !== undefined || turns > 0)
    told.push(
      trimWords({ messageId: "", ...last, rung: "summary", detail: `${turns} ${last?.detail ?? ""}` }),
    );
  return told.length === 0 ? null : told.join("; ");
}

/** Tokens that all steps together made room for. */
export function freedTokens(trims: readonly ContextNote[]): number {
  return trims.reduce((sum, { tokens = 0 }) => sum + tokens, 0);
}

export function freedWords({ tokens = 0 }: ContextNote): string | null {
  return tokens > 0 ? `${plural(tokens, "token")} freed` : null;
}
