/** Versions in words: what each is, who made it, how it stands, and what a button would do. Pure. */

import { plural } from "@/lib/format";
import type {
  Evidence,
  Guard,
  HistoryStep,
  Stage,
  TrialStage,
  Version,
  VersionDossier,
  Watch,
  What,
} from "@/lib/versions-api";

export const WHAT_NAMES: Readonly<Record<What, string>> = {
  prompt: "Prompt",
  notes: "Notes",
  policy: "Routes",
};

export const STAGE_NAMES: Readonly<Record<Stage | "watch", string>> = {
  draft: "Draft",
  replay: "Replay",
  shadow: "Shadow",
  canary: "Canary",
  promoted: "Active",
  rolled_back: "Taken back",
  retired: "Replaced",
  watch: "Watch",
};

/** What goes on in a stage. */
export const STAGE_MEANS: Readonly<Record<Stage | "watch", string>> = {
  draft: "Nothing acts on it.",
  replay: "It does past tasks again, unseen, beside what acts now.",
  shadow: "It does new tasks too, unseen; you get the answer of what acts now.",
  canary: "It does a share of your tasks; the others are done as before.",
  promoted: "It does all of the role's tasks.",
  rolled_back: "It was tried or active, and was taken back.",
  retired: "Another version took its place.",
  watch: "It does all of the role's tasks, and is taken back if they become worse.",
};

const MADE_BY: Readonly<Record<string, string>> = {
  hand: "by hand",
  reflection: "by reflection on what failed",
  gepa: "by evolution on tasks with right answers",
  distilled: "out of what was said of answers",
  routes: "out of what was chosen",
};

export function madeByWords(madeBy: string): string {
  return MADE_BY[madeBy] ?? `by ${madeBy}`;
}

export function titleOf({ title, what, hash }: Pick<Version, "title" | "what" | "hash">): string {
  return title || `${WHAT_NAMES[what]} ${hash.replace(/^.*@/, "").slice(0, 8)}`;
}

/** Why it was made, by lines; of the runs that a line rests on it says how many. */
export function reasonLines(reason: string): string[] {
  return reason
    .replace(/ \((r_\w+(?:, r_\w+)*)\)/g, (_, runs: string) => ` (${plural(runs.split(",").length, "run")})`)
    .split("\n")
    .filter((line) => line.trim() !== "");
}

export const TRIAL_STAGES: readonly TrialStage[] = ["replay", "shadow", "canary"];

export function isTried(stage: Stage): stage is TrialStage {
  return (TRIAL_STAGES as readonly string[]).includes(stage);
}

export type Act = "start" | "stop" | "promote" | "revert" | "toFile" | "edit" | "delete" | "keep";

/** What can be done with one now. */
export function actsOf({
  stage,
  what,
  fileChanged = false,
}: Pick<Version, "stage" | "what" | "fileChanged">): Act[] {
  const keep: Act[] = fileChanged ? ["keep"] : [];
  if (stage === "draft") return ["start", "promote", "edit", "delete"];
  if (isTried(stage)) return ["stop", "promote", ...keep]; // nothing of it acts in full: there is nothing to revert
  if (stage === "promoted") return ["revert", ...(what === "prompt" ? (["toFile"] as const) : []), ...keep];
  if (stage === "rolled_back") return ["start", "promote", "delete"];
  return [];
}

const BEFORE: Readonly<Record<What, string>> = {
  prompt: "the version before it, or the role's file",
  notes: "the notes before it, or none",
  policy: "the routes before it, or those that are learned freely",
};

/** What comes of a button, said before it is pressed. */
export function consequence(
  act: Act,
  version: Pick<Version, "of" | "what" | "share">,
  from: TrialStage = "replay",
): string {
  const { of, what } = version;
  switch (act) {
    case "start":
      return trialWords(version, from);
    case "stop":
      return "The trial ends and it is a draft again. What was found so far stays in its history until it is tried anew.";
    case "promote":
      return `From the next task on it does all of ${of}'s tasks, whatever the evidence says. One click takes it back.`;
    case "revert":
      return `From the next task on ${BEFORE[what]} acts again, to the byte.`;
    case "toFile":
      return `From the next task on the file of ${of} acts again; every version of it that is active is taken back.`;
    case "edit":
      return "A draft can be changed; what was tried stays as it is.";
    case "delete":
      return "It is gone for good, with its history.";
    case "keep":
      return `The file of ${of} has changed since. It goes on acting in place of the new file.`;
  }
}

/** Without as many past tasks to judge by, a replay and a shadow are passed over: `Pace.least` of the gatekeeper. */
const LEAST_PAST = 8;

function trialWords(
  { of, what, share = 0.2 }: Pick<Version, "of" | "what" | "share">,
  from: TrialStage,
): string {
  const live = `${shareWords(share)} of your tasks`;
  if (what === "policy")
    return `Routes are judged by real tasks alone: it does ${live} at once, until the evidence decides.`;
  if (from === "canary") return `It does ${live} at once, until the evidence decides.`;
  const then = `If it is not worse it then does ${live}, until the evidence decides.`;
  if (from === "shadow") return `It does new tasks of ${of} too, unseen; that takes tokens. ${then}`;
  const few = `Where fewer than ${LEAST_PAST} past tasks can judge it, replay and shadow are passed over and it does ${live} at once; half of the tasks that began a conversation and of which something is known can.`;
  return `Past tasks of ${of} are done again, unseen, by it and by what acts now, then new ones by it; that takes tokens. ${then} ${few}`;
}

/** Why it does real tasks without having been in a shadow before; `null`: it does none, or its owner began there. */
export function passedOverWords({
  stage,
  share = 0.2,
  history,
}: Pick<VersionDossier, "stage" | "share" | "history">): string | null {
  if (stage !== "canary") return null;
  const at = history.findLastIndex((step) => step.stage !== "canary");
  const entered = history[at + 1];
  if (entered?.by !== "gate" || history[at]?.stage === "shadow") return null;
  return `It does ${shareWords(share)} of your tasks already: ${entered.why}.`;
}

/** How it is that there is no evidence of a trial. */
export function noEvidenceWords({ stage, history }: Pick<VersionDossier, "stage" | "history">): string {
  if (isTried(stage)) return "Nothing is known of its trial yet.";
  const wasTried = history.some((step) => isTried(step.stage));
  const promoted = history.findLast((step) => step.stage === "promoted");
  if (promoted !== undefined) {
    const how = !wasTried
      ? "No trial: it was promoted by hand"
      : promoted.by === "gate"
        ? "Nothing is left of its trial: the runs behind it were deleted"
        : "Nothing is known of its trial: it was promoted by hand";
    return `${how}. What it ${stage === "promoted" ? "does" : "did"} is in its record.`;
  }
  if (wasTried) return "Its trial ended before anything was known.";
  const start = "Start a trial to find out whether it is better than what acts now.";
  return `It was not tried on any task yet.${stage === "draft" ? ` ${start}` : ""}`;
}

export const ACT_NAMES: Readonly<Record<Act, string>> = {
  start: "Start a trial",
  stop: "Stop the trial",
  promote: "Promote",
  revert: "Revert",
  toFile: "Back to the file",
  edit: "Edit",
  delete: "Delete",
  keep: "Keep it",
};

export function shareWords(share: number): string {
  return `${Math.round(share * 100)} %`;
}

const VERDICTS: Readonly<Record<Evidence["verdict"], string>> = {
  better: "It is better",
  worse: "It is worse",
  undecided: "Not decided yet",
  futile: "No difference that matters",
};

export function verdictWords({ verdict }: Pick<Evidence, "verdict">): string {
  return VERDICTS[verdict];
}

/** `+0.12`, with a true minus. */
export function signed(value: number): string {
  const rounded = Math.abs(value).toFixed(2);
  return rounded === "0.00" ? "0.00" : `${value < 0 ? "−" : "+"}${rounded}`;
}

/** `+0.12 of reward, between +0.03 and +0.21 (95 %)` */
export function differenceWords({ difference, low, high, tasks }: Evidence): string {
  if (tasks === 0) return "No reward is known yet";
  return `${signed(difference)} of reward, between ${signed(low)} and ${signed(high)} (95 %, however often one looks)`;
}

/** Whose reward is still to be heard. */
export function waitingWords({ waitingCandidate, waitingBase }: Evidence): string | null {
  const waiting = waitingCandidate + waitingBase;
  return waiting === 0 ? null : `${plural(waiting, "task")} wait for a reward`;
}

const GUARDS: Readonly<Record<Guard["name"], string>> = { errors: "Errors", latency: "Time", cost: "Cost" };

export function guardName(name: Guard["name"]): string {
  return GUARDS[name];
}

/** `+2 % of tasks; at most 10 %`, `1.08 times; at most 1.5` */
export function guardWords({ name, found, limit, tasks }: Guard): string {
  if (tasks === 0) return "nothing known yet";
  if (name !== "errors") return `${found.toFixed(2)} times as much; harm from ${limit} times on`;
  const more = Math.round(100 * found);
  return `${more > 0 ? "+" : more < 0 ? "−" : ""}${Math.abs(more)} % of tasks; harm from +${Math.round(100 * limit)} % on`;
}

export function watchWords({ tasks, mean, level, drifted }: Watch): string {
  if (level === null) return "Too little was known of what acted before, so nothing watches it.";
  if (tasks === 0) return `No task since it was promoted; what acted before had ${level.toFixed(2)}.`;
  const so = `${plural(tasks, "task")} since then, ${mean.toFixed(2)} on average; what acted before had ${level.toFixed(2)}.`;
  return drifted ? `${so} It has fallen below and is taken back.` : so;
}

/** `Active, by the gate` */
export function stepWords({ stage, by }: Pick<HistoryStep, "stage" | "by">): string {
  const who = by === "gate" ? "by the gate" : (MADE_BY[by] ?? "by you");
  return `${STAGE_NAMES[stage]}, ${who}`;
}

/** The line, from 1, at which a role's prompt begins: after its front matter; 1 where it has none. */
export function promptLine(content: string): number {
  const lines = content.split("\n");
  if (lines[0]?.trimEnd() !== "---") return 1;
  const end = lines.findIndex((line, at) => at > 0 && line.trimEnd() === "---");
  if (end < 0) return 1;
  const text = lines.findIndex((line, at) => at > end && line.trim() !== "");
  return (text < 0 ? end + 1 : text) + 1;
}

// ── what is wrong with a text ────────────────────────────────────────────────────────────────────────────────────

export interface LineProblem {
  /** From 1; 0: the text as such. */
  readonly line: number;
  readonly message: string;
}

/** Of the words of a refusal, a problem a line, as `writer.md:3: budgets.tokens: expected a number`. */
export function lineProblems(actual: string | null | undefined): LineProblem[] {
  return (actual ?? "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const found = /^[^\s:]+\.md(?::(\d+))?: (.*)$/.exec(line);
      return found === null
        ? { line: 0, message: line }
        : { line: Number(found[1] ?? 0), message: found[2] ?? "" };
    });
}
