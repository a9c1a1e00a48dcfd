/** An experiment as it is filled in, what the server takes of it, and where what it says is wrong belongs. Pure. */

import type { ExperimentBody, ExperimentCheck, SpecFormat } from "@/lib/experiments-api";
import type { ErrorFacts } from "@/lib/protocol";

/** Texts are as they are typed; empty means as usual. */
export interface VariantDraft {
  readonly key: number;
  readonly name: string;
  readonly model: string;
  readonly role: string;
  readonly prompt: string;
  readonly temperature: string;
  readonly memory: boolean;
}

export const EVALUATORS = ["regex", "exact", "numeric", "similarity", "judge", "human"] as const;
export type EvaluatorType = (typeof EVALUATORS)[number];

export interface ExperimentDraft {
  readonly way: "form" | "file";
  readonly name: string;
  readonly variants: readonly VariantDraft[];
  readonly evaluators: readonly EvaluatorType[];
  readonly judge: string;
  readonly seeds: string;
  readonly kind: "" | "chat" | "creative" | "analytical";
  readonly seconds: string;
  readonly parallel: string;
  readonly money: string;
  readonly text: string;
  readonly data: string;
}

export function newVariant(key: number, name: string): VariantDraft {
  return { key, name, model: "", role: "manager", prompt: "", temperature: "", memory: false };
}

export const EMPTY: ExperimentDraft = {
  way: "form",
  name: "",
  variants: [newVariant(0, "as usual"), newVariant(1, "other")],
  evaluators: ["regex"],
  judge: "",
  seeds: "1",
  kind: "",
  seconds: "120",
  parallel: "2",
  money: "0",
  text: "",
  data: "",
};

/** A number where one is typed; else the text itself, so that the server says what is wrong with it. */
function typed(text: string): number | string {
  const trimmed = text.trim();
  return trimmed !== "" && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

function variantSpec({ name, model, role, prompt, temperature, memory }: VariantDraft): object {
  return {
    name: name.trim(),
    ...(model === "" ? {} : { model }),
    ...(role === "" ? {} : { role }),
    ...(prompt.trim() === "" ? {} : { prompt }),
    ...(temperature.trim() === "" ? {} : { temperature: typed(temperature) }),
    ...(memory ? { memory } : {}),
  };
}

export function specOf(draft: ExperimentDraft): Record<string, unknown> {
  return {
    name: draft.name.trim(),
    variants: draft.variants.map(variantSpec),
    evaluators: draft.evaluators.map((type) =>
      type === "judge" && draft.judge !== "" ? { type, model: draft.judge } : { type },
    ),
    seeds: typed(draft.seeds),
    ...(draft.kind === "" ? {} : { kind: draft.kind }),
    limits: {
      seconds: typed(draft.seconds),
      parallel: typed(draft.parallel),
      money: typed(draft.money),
    },
  };
}

/** What the pasted text seems to be written in. */
export function formatOf(text: string): SpecFormat {
  const first = text.trimStart();
  if (first.startsWith("{")) return "json";
  return /^\s*(?:\[\[?[\w.]+\]\]?\s*$|[\w.]+\s*=)/m.test(text.replace(/^[ \t]*#.*$/gm, "")) &&
    !/^[\w]+:(?:\s|$)/m.test(text)
    ? "toml"
    : "yaml";
}

export function bodyOf(draft: ExperimentDraft): ExperimentBody {
  return draft.way === "form"
    ? { spec: specOf(draft), data: draft.data }
    : { text: draft.text, format: formatOf(draft.text), data: draft.data };
}

/** Lines that have something in them. */
export function rowsIn(data: string): number {
  return data.split("\n").filter((line) => line.trim() !== "").length;
}

/** `line` 0: it is not known. `where`: the field, `data` for the rows, empty for the whole. */
export interface Wrong {
  readonly where: string;
  readonly message: string;
  readonly line: number;
}

const PROBLEM = /^(?:line (\d+)[,:] )?(?:([a-z_]\w*(?:\[\d+\]|\.\w+)*): )?(.*)$/s;

/** What a refusal names, line by line; nothing where it was refused for something else. */
export function wrongIn(facts: ErrorFacts): readonly Wrong[] {
  const isData = facts.code === "data_set_invalid";
  if (!isData && facts.code !== "experiment_invalid") return [];
  const said = (facts.actual ?? "").split("\n").filter((line) => line !== "");
  if (isData && (said.length === 0 || said[0] === "0 rows"))
    return [{ where: "data", message: facts.message, line: 0 }];
  return said.map((each) => {
    const [, line = "0", where = "", message = each] = PROBLEM.exec(each) ?? [];
    return isData
      ? { where: "data", message: where === "" ? message : `${where}: ${message}`, line: Number(line) }
      : { where, message, line: Number(line) };
  });
}

/** With the tasks that are missing, where the rest was refused before they were looked at. */
export function withRows(wrong: readonly Wrong[], data: string): readonly Wrong[] {
  if (wrong.length === 0 || rowsIn(data) > 0 || wrong.some(({ where }) => where === "data")) return wrong;
  return [...wrong, { where: "data", message: "The data set has no rows.", line: 0 }];
}

export function wrongOf(check: ExperimentCheck): readonly Wrong[] {
  return check.problems.map(({ where, message, line }) => ({ where, message, line }));
}

/** What is wrong with this field or with what is in it. */
export function wrongAt(all: readonly Wrong[], where: string): string | null {
  const here = all.filter(
    (one) => one.where === where || one.where.startsWith(`${where}.`) || one.where.startsWith(`${where}[`),
  );
  return here.length === 0 ? null : here.map(({ message }) => sentence(message)).join(" ");
}

export function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** `variants[1].model` as a person says it. */
export function whereWords(where: string): string {
  return where
    .replace(/\[(\d+)\]/g, (_, index: string) => ` ${Number(index) + 1}`)
    .replaceAll(".", ", ")
    .replaceAll("_", " ");
}
