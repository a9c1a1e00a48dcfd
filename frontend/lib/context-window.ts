/**
 * What filled the context window of a model call: its sections by name, the reserve for the answer, and what is free, as
 * shares of the window. Pure.
 */

import { count, percent, plural } from "@/lib/format";
import type { TextMessageStart } from "@/lib/protocol";

/** A section's name, in the order in which prompts are built; how it is called on the page, and its colour. */
const PARTS: readonly (readonly [name: string, label: string, colour: string])[] = [
  ["role", "Role", "role"],
  ["learned", "Learned notes", "learned"],
  ["tools", "Tools", "tools"],
  ["example", "Examples", "example"],
  ["summary", "Summary", "summary"],
  ["history", "Earlier turns", "history"],
  ["notes", "Notes", "example"],
  ["result", "Results", "result"],
  ["message", "Messages", "message"],
  ["board", "Blackboard", "board"],
  ["reply", "Your replies", "message"],
  ["memory", "Memories", "memory"],
  ["task", "The task", "task"],
  ["expected", "What is expected", "task"],
  ["problem", "What was wrong before", "other"],
  ["call", "Its calls of tools", "call"],
  ["tool", "What tools returned", "call"],
];

export interface WindowPart {
  /** The sections' name; `reserve` and `free` are the last two. */
  readonly name: string;
  readonly label: string;
  readonly tokens: number;
  /** Of the window, 0 to 1. */
  readonly share: number;
  /** How many sections it is made of. */
  readonly sections: number;
}

export interface WindowUse {
  /** Tokens of the window; of what is in it where the model's window is not known. */
  readonly size: number;
  readonly known: boolean;
  readonly used: number;
  readonly parts: readonly WindowPart[];
  readonly reserve: number;
  readonly free: number;
}

const PLACE = new Map(PARTS.map(([name], at) => [name, at]));

export function partLabel(name: string): string {
  return PARTS[PLACE.get(name) ?? -1]?.[1] ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** As CSS. */
export function partColour(name: string): string {
  return `var(--part-${PARTS[PLACE.get(name) ?? -1]?.[2] ?? "other"})`;
}

function placeOf(name: string): number {
  return PLACE.get(name) ?? PARTS.length;
}

/** The same for the same start: a start never changes. */
export function windowUse(start: TextMessageStart): WindowUse {
  const known = uses.get(start);
  if (known !== undefined) return known;
  const use = measured(start);
  uses.set(start, use);
  return use;
}
const uses = new WeakMap<TextMessageStart, WindowUse>();

function measured({ sections, contextWindow = 0, reserve = 0 }: TextMessageStart): WindowUse {
  const sums = new Map<string, { tokens: number; sections: number }>();
  let used = 0;
  for (const { name, tokens } of sections) {
    const sum = sums.get(name) ?? { tokens: 0, sections: 0 };
    sums.set(name, { tokens: sum.tokens + tokens, sections: sum.sections + 1 });
    used += tokens;
  }
  const size = Math.max(contextWindow, used + reserve, 1);
  const parts = [...sums]
    .sort(([a], [b]) => placeOf(a) - placeOf(b))
    .map(([name, sum]) => ({ name, label: partLabel(name), share: sum.tokens / size, ...sum }));
  const free = contextWindow > 0 ? size - used - reserve : 0;
  return { size, known: contextWindow > 0, used, parts, reserve, free };
}

export function partWords({ label, tokens, share }: Pick<WindowPart, "label" | "tokens" | "share">): string {
  return `${label}: ${plural(tokens, "token")}, ${percent(share)}`;
}

/** All of it as one text, for who does not see the bar. */
export function windowWords({ size, known, used, parts, reserve, free }: WindowUse): string {
  const head = known
    ? `${count(used)} of ${count(size)} tokens of the window`
    : `${plural(used, "token")}; how large the window is, is not known`;
  const lines = parts.map(partWords);
  if (reserve > 0)
    lines.push(partWords({ label: "Kept for the answer", tokens: reserve, share: reserve / size }));
  if (free > 0) lines.push(partWords({ label: "Free", tokens: free, share: free / size }));
  return `${head}. ${lines.join(". ")}.`;
}
