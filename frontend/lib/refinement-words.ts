/** What refinement does, did and left, as sentences. Pure. */

import { plural } from "@/lib/format";
import { plain } from "@/lib/memory-words";
import type { Act, Pass } from "@/lib/refinement-api";

type What = Act["what"];

const COUNTED: Readonly<Record<What, string>> = {
  merge: "merged",
  settle: "settled",
  promote: "promoted",
  note: "noted",
  demote: "demoted",
  archive: "archived",
};
/** In the order of the table of `docs/memory.md`. */
const ORDER = Object.keys(COUNTED) as What[];

/** `2 merged, 1 archived` */
export function countsWords(counts: Readonly<Record<string, number>>): string {
  const said = ORDER.filter((what) => (counts[what] ?? 0) > 0).map(
    (what) => `${counts[what]} ${COUNTED[what]}`,
  );
  return said.join(", ") || "nothing";
}

export function countsOf(acts: readonly Act[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { what } of acts) counts[what] = (counts[what] ?? 0) + 1;
  return counts;
}

/** Whether something is kept besides, which nobody wrote as such. */
function adds(act: Act): boolean {
  return (act.adds?.length ?? 0) + (act.added?.length ?? 0) > 0;
}

/** What an act is, done or to be done: `Kept one of 3 that say the same`. */
export function actWords(act: Act): string {
  const done = act.n > 0;
  const keep = done ? "Kept" : "Keep";
  const many = act.memories.length;
  switch (act.what) {
    case "merge":
      return `${keep} one of ${many} that say the same`;
    case "settle":
      return `${done ? "Settled" : "Settle"} which of ${many} holds`;
    case "promote":
      return adds(act) ? `${keep} what is a fact in it` : `${done ? "Made" : "Make"} it a fact`;
    case "note":
      return `${keep} what you ask for as a rule`;
    case "demote":
      return `${done ? "Made" : "Make"} it an episode again`;
    case "archive":
      return done ? "Archived it" : "Archive it";
  }
}

/** Why, with the words of a memory in place of its id. */
export function whyWords(act: Act): string {
  return act.memories
    .filter(({ id }) => id !== "")
    .reduce(
      (words, { id, text }) => words.replaceAll(id, text === "" ? "one that is gone" : `“${clipped(text)}”`),
      act.why,
    );
}

const MOST = 60;

function clipped(text: string): string {
  const line = plain(text).replace(/\s+/g, " ").trim();
  return line.length > MOST ? `${line.slice(0, MOST - 1).trimEnd()}…` : line.replace(/[.]$/, "");
}

/** What becomes, or became, of one of its memories; empty where that is said already. */
export function fateWords(act: Act, id: string): string {
  if (act.over.includes(id)) return act.what === "settle" ? "holds no more" : "archived";
  if (act.over.length === 0) return "";
  return act.what === "settle" ? "holds" : "stays";
}

export function leftWords(left: readonly string[]): string {
  const [are, it] = left.length === 1 ? ["stays as it is", "it"] : ["stay as they are", "them"];
  return `${plural(left.length, "memory", "memories")} ${are}: somebody changed ${it} since.`;
}

const BY: Readonly<Record<Pass["by"], string>> = {
  idle: "By itself, while nobody worked",
  asked: "You asked for it",
  owner: "You settled a contradiction",
};

export function byWords(by: Pass["by"]): string {
  return BY[by];
}

/** What was done, or that there was nothing to do. */
export function doneWords(acts: readonly Act[], more: boolean): string {
  if (acts.length === 0) return "There was nothing to refine.";
  const words = countsWords(countsOf(acts));
  return `Refined: ${words}.${more ? " There is more to do." : ""}`;
}

/** What memories contradict each other about: `user.city` is `your city`. */
export function matterWords(key: string): string {
  const name = key
    .replace(/^user\./, "")
    .replace(/[._/-]+/g, " ")
    .trim();
  return key.startsWith("user.") ? `your ${name}` : name;
}
