/** How Alma is to draft a version: out of what, by which model, and with how many calls of it. Pure. */

import type { DistilBody, ReflectBody } from "@/lib/versions-api";

export type DraftBy = "reflect" | "distil";

export interface DraftChoice {
  readonly how: NonNullable<ReflectBody["how"]>;
  /** Empty: the usual one. */
  readonly model: string;
  /** Of models, that an evolution may make to measure. */
  readonly calls: string;
}

export const MOST_CALLS = 200;
export const USUAL_CHOICE: DraftChoice = { how: "reflection", model: "", calls: "60" };

export const HOWS: readonly { id: DraftChoice["how"]; label: string; about: string }[] = [
  {
    id: "reflection",
    label: "Reflection",
    about: "A model reads what failed or was turned down, says what went wrong, and rewrites the prompt.",
  },
  {
    id: "gepa",
    label: "Evolution",
    about:
      "Many prompts are tried on tasks whose right answer you approved or wrote, and the best is kept. It needs the extra gepa.",
  },
];

export function aboutDraft(by: DraftBy, how: DraftChoice["how"]): string {
  return by === "distil"
    ? "What you said of its answers becomes notes. Where the model is not a strong one, they are made by rule."
    : (HOWS.find(({ id }) => id === how)?.about ?? "");
}

/** What is wrong with it in a sentence, before it is sent; null: nothing. */
export function draftProblem(by: DraftBy, { how, calls }: DraftChoice): string | null {
  if (by === "distil" || how !== "gepa") return null;
  const asked = Number(calls);
  return Number.isInteger(asked) && asked >= 1 && asked <= MOST_CALLS
    ? null
    : `A whole number from 1 to ${MOST_CALLS}.`;
}

export function distilBody(role: string, { model }: DraftChoice): DistilBody {
  return { role, ...(model === "" ? {} : { model }) };
}

export function reflectBody(role: string, choice: DraftChoice): ReflectBody {
  const { how, calls } = choice;
  return { ...distilBody(role, choice), how, ...(how === "gepa" ? { calls: Number(calls) } : {}) };
}

/** While it is made. */
export function draftingWords(by: DraftBy, role: string, how: DraftChoice["how"]): string {
  if (by === "distil") return `What was said of ${role}’s answers is made into notes.`;
  if (how === "gepa") return `Prompts of ${role} are tried, one after the other. This can take many minutes.`;
  return `A model reads what went wrong with ${role} and rewrites its prompt. This can take some minutes.`;
}
