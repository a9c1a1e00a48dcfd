/** What learning chose and told, and what was said of an answer, as sentences. Pure. */

import type { EntryRecord } from "@/lib/api";
import type { EntryWords } from "@/lib/entry-words";
import { plural } from "@/lib/format";
import type { Choice } from "@/lib/learned-state";
import type { Choices, Lessons, Signal } from "@/lib/protocol";

/** Why it was chosen. */
export const CHOSEN_BY: Record<NonNullable<Choice["by"]>, string> = {
  learned: "believed best",
  explored: "tried out, to find out more",
  canary: "a version on trial",
  user: "your choice",
  trial: "as the experiment says",
};

/** Why this one was chosen: of versions one acts, and beside it one may be on trial. */
export function chosenByWords({ what, chosen, by = "learned", options = [] }: Choice): string {
  if (what === "arm") return CHOSEN_BY[by];
  if (by === "learned") return "it acts since it was promoted";
  if (by === "canary" && chosen === options[0]?.id) return "what acts, while another version is on trial";
  return CHOSEN_BY[by];
}

const WHAT: Record<Choice["what"], string> = {
  arm: "who does it",
  prompt: "the version of the prompt",
  notes: "the set of notes",
  policy: "the way to route",
};

export function percent(share: number): string {
  const rounded = Math.round(share * 100);
  return rounded === 0 && share > 0 ? "under 1 %" : `${rounded} %`;
}

/** An arm is `role|model|pattern`, each empty where it is as usual. */
export function optionWords(what: Choice["what"], id: string): string {
  if (what !== "arm" && id === "") return "none";
  if (what !== "arm") return id.length > 12 ? id.slice(0, 12) : id;
  const [role = "", model = "", pattern = ""] = id.split("|");
  const split = pattern === "direct" ? "without a plan" : `planned by ${pattern.replaceAll("_", " ")}`;
  const parts = [role, model === "" ? "" : `with ${model}`, pattern === "" ? "" : split];
  return parts.filter(Boolean).join(" ") || "as usual";
}

/** `the writer-brief with small: believed best, chosen in 80 % of such cases`. */
export function choiceWords(choice: Choice, title = ""): string {
  const { what, chosen, propensity = 1 } = choice;
  const named = title === "" ? optionWords(what, chosen) : `“${title}”, ${optionWords(what, chosen)}`;
  const odds = propensity < 1 ? `, chosen in ${percent(propensity)} of such cases` : "";
  return `${WHAT[what]}: ${named} (${chosenByWords(choice)}${odds})`;
}

export function lessonsWords({ examples = [], notes = [] }: Pick<Lessons, "examples" | "notes">): string {
  const parts = [
    examples.length > 0 ? plural(examples.length, "approved answer") : "",
    notes.length > 0 ? plural(notes.length, "learned note") : "",
  ];
  return parts.filter(Boolean).join(" and ") || "no lesson";
}

/** What was said, as the journal tells it. */
export function signalWords({ signal, value }: Pick<Signal, "signal" | "value">): string {
  if (value === 0) return "You took back what you had said of the answer";
  switch (signal) {
    case "thumb":
      return value > 0 ? "You said it was good" : "You said it was bad";
    case "edited":
      return "You said how the answer should have been";
    case "preferred":
      return "You preferred this answer to another";
    case "passed_over":
      return "You preferred another answer to this one";
    case "retried":
      return "You had it answered again";
    case "resent":
      return "You sent another question in its place";
    case "copied":
      return "You copied the answer";
    case "corrected":
      return "What you said next corrected it";
  }
}

/** `null`: the entry is of another kind. */
export function learnedWords(entry: EntryRecord["entry"]): EntryWords | null {
  const of = entry.task_id && entry.task_id !== "main" ? ` for task ${entry.task_id}` : "";
  switch (entry.type) {
    case "choices_made": {
      const { choices } = entry as unknown as Choices;
      return {
        what: `Learning chose${of}`,
        detail: choices.map((choice) => choiceWords(choice)).join("; ") || null,
        tone: "plain",
      };
    }
    case "lessons_told":
      return {
        what: `The prompt had ${lessonsWords(entry as unknown as Lessons)}${of}`,
        detail: null,
        tone: "plain",
      };
    case "signaled": {
      const said = entry as unknown as Signal;
      const tone = said.value > 0 ? "good" : said.value < 0 ? "bad" : "plain";
      return { what: signalWords(said), detail: said.reason || null, tone };
    }
    default:
      return null;
  }
}
