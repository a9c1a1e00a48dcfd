/** What had no room in a prompt, and what became of it, in words. Pure. */

import { plural } from "@/lib/format";
import type { ContextNote } from "@/lib/protocol";

type Rung = ContextNote["rung"];

/** Why each step is taken, in the order in which they are. */
export const RUNG_REASONS: Readonly<Record<Rung, string>> = {
  duplicates: "What is said twice needs to be said once.",
  memories: "Those that were likely to help least.",
  summary: "The newest turns stay as they were.",
  results: "Each keeps its beginning and its end; the agent can read on with a tool.",
  refused: "Even so the role and the task alone do not fit.",
};
export const RUNG_NAMES: Readonly<Record<Rung, string>> = {
  duplicates: "Duplicates",
  memories: "Memories",
  summary: "Earlier turns",
  results: "Results",
  refused: "Refused",
};

function several(refs: readonly string[], one: string, many?: string): string {
  return refs.length === 0 ? (many ?? `${one}s`) : plural(refs.length, one, many);
}

/** One step, as what stands after “left out:”. */
export function trimWords({ rung, refs = [], detail = "" }: ContextNote): string {
  switch (rung) {
    case "duplicates":
      return several(refs, "duplicate");
    case "memories":
      return several(refs, "memory", "memories");
    case "summary":
      return `${several(refs, "older turn")}${/summar/i.test(detail) ? " (told in a summary)" : ""}`;
    case "results":
      return `parts of ${several(refs, "result")}`;
    case "refused":
      return "the prompt: it does not fit";
  }
}

/** All steps of a prompt in one line, to stand after “left out:”; `null` where nothing was left out. */
export function leftOutWords(trims: readonly ContextNote[], leftOutTurns = 0): string | null {
  const told = trims.filter(({ rung }) => rung !== "refused").map(trimWords);
  if (leftOutTurns > 0 && !trims.some(({ rung }) => rung === "summary"))
    told.push(plural(leftOutTurns, "older turn"));
  return told.length === 0 ? null : told.join(", ");
}

/** Tokens that all steps together made room for. */
export function freedTokens(trims: readonly ContextNote[]): number {
  return trims.reduce((sum, { tokens = 0 }) => sum + tokens, 0);
}

export function freedWords({ tokens = 0 }: ContextNote): string | null {
  return tokens > 0 ? `${plural(tokens, "token")} made free` : null;
}
