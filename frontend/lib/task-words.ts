/** Tasks in words: what they are called, how they stand, what they are writing, what a plan came to. Pure. */

import { failoverWords, isFailover } from "@/lib/failover-words";
import { plural, shortDuration } from "@/lib/format";
import { isAnswer, isOpen } from "@/lib/message-state";
import { MAIN } from "@/lib/protocol";
import type { RunState } from "@/lib/run-state";
import { compareTaskIds, isCut, isOver, type TaskState } from "@/lib/task-state";
import { shown } from "@/lib/visible-text";

type Tasks = ReadonlyMap<string, TaskState>;

export interface StateWords {
  readonly words: string;
  readonly tone: "plain" | "good" | "bad" | "ask";
}

export function taskTitle(task: TaskState): string {
  return shown(task.spec?.title || task.spec?.goal || (task.id === MAIN ? "The answer" : `Task ${task.id}`));
}

/** The tasks of the run's plans, each below the one whose plan it is in. */
export function plannedTasks(tasks: Tasks): TaskState[] {
  return [...tasks.values()]
    .filter(({ id }) => id !== MAIN)
    .sort((left, right) => compareTaskIds(left.id, right.id));
}

/** `1`, `1 and 2`, `1, 2 and 3`. */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

export function stateWords(task: TaskState, tasks: Tasks, paused: boolean): StateWords {
  const plain = (words: string): StateWords => ({ words, tone: "plain" });
  if (task.replacedBy !== null) return plain(`sent back, done again as ${task.replacedBy}`);
  switch (task.status) {
    case "completed":
      if (task.reused !== null) return plain("taken over");
      return { words: doneWords(task), tone: "good" };
    case "failed":
      return { words: `failed: ${task.error?.message ?? "no reason was given"}`, tone: "bad" };
    case "rejected":
      return { words: `could not begin: ${task.error?.message ?? "nothing to work on"}`, tone: "bad" };
    case "canceled":
      return plain("stopped");
    case "input_required":
      return { words: task.openQuestion === null ? "waits for your word" : "asks you", tone: "ask" };
    case "submitted":
      return plain(task.stopping ? "stopping" : waitingWords(task, tasks, paused));
    case "working":
      return task.stopping ? plain("stopping") : workingWords(task, tasks);
  }
}

/** What is meant by “cut at its limit”. */
export const CUT_HINT = "Its result ended at the most that it may be long; it is not whole.";

function doneWords(task: TaskState): string {
  const by = task.assignment > 1 ? `done by the ${task.role} in the end` : null;
  if (!isCut(task)) return by ?? "done";
  return by === null ? "cut at its limit" : `${by}, cut at its limit`;
}

function waitingWords(task: TaskState, tasks: Tasks, paused: boolean): string {
  const plan = tasks.get(task.parentId ?? MAIN)?.plan;
  if (plan?.needsApproval && plan.decided === null) return "waits for your word";
  if (paused) return "paused";
  const others = (task.spec?.depends_on ?? []).filter((id) => {
    const other = tasks.get(id);
    return other !== undefined && !isOver(other);
  });
  return others.length === 0 ? "next" : `after ${listed(others)}`;
}

function workingWords(task: TaskState, tasks: Tasks): StateWords {
  const parts = [...tasks.values()].filter((other) => other.parentId === task.id && !isOver(other));
  if (parts.length > 0) return { words: `waits for ${listed(parts.map(({ id }) => id))}`, tone: "plain" };
  const last = task.failures.at(-1);
  if (task.assignment > 1) return { words: `passed on to the ${task.role}`, tone: "plain" };
  if (last !== undefined && isFailover(last)) return { words: failoverWords(last, null), tone: "plain" };
  if (last !== undefined) return { words: `attempt ${last.attempt + 1}: ${last.error.message}`, tone: "bad" };
  return { words: task.messages.length === 0 ? "beginning" : "reading", tone: "plain" };
}

const TAIL_CHARS = 160;

/** The end of what a task is writing, in one line; empty when it is not writing. */
export function lastWords(run: RunState, taskId: string): string {
  const messageId = run.tasks.get(taskId)?.messages.at(-1);
  const message = messageId === undefined ? undefined : run.messages.get(messageId);
  if (message === undefined || !isOpen(message)) return "";
  if (!isAnswer(message)) return "making a plan";
  const text = message.text === "" ? message.reasoning : message.text;
  return text
    .slice(-TAIL_CHARS)
    .replace(/[*_`#>|]+/g, "")
    .replace(/\s+/g, " ")
    .trimStart();
}

/** Tokens that a task has written so far: as the endpoints said, and of what is open, as they came. */
export function tokensOf(run: RunState, taskId: string): number {
  let tokens = 0;
  for (const id of run.tasks.get(taskId)?.messages ?? []) {
    const message = run.messages.get(id);
    tokens += message?.end?.usage.output_tokens ?? message?.tokens ?? 0;
  }
  return tokens;
}

/** Its result came from the cache. */
export function isCached(run: RunState, taskId: string): boolean {
  const last = run.tasks.get(taskId)?.messages.at(-1);
  return last !== undefined && (run.messages.get(last)?.end?.cache ?? null) !== null;
}

/** From its beginning to its end, or to now; `null`: it has not begun. */
export function elapsedMs(task: TaskState, now: number): number | null {
  if (task.startedAt === null) return null;
  return Math.max(0, (task.endedAt ?? now) - task.startedAt);
}

/** `4 tasks · 3 agents · 12 s`, with what went wrong. */
export function planSummary(tasks: Tasks): string {
  const all = plannedTasks(tasks);
  const agents = new Set(all.map(({ role }) => role)).size;
  const count = (status: TaskState["status"]): number => all.filter((task) => task.status === status).length;
  const starts = all.flatMap((task) => task.startedAt ?? []);
  const ends = all.flatMap((task) => task.endedAt ?? []);
  const took = starts.length > 0 && ends.length > 0 ? Math.max(...ends) - Math.min(...starts) : 0;
  const failed = count("failed") + count("rejected");
  const parts = [
    plural(all.length, "task"),
    plural(agents, "agent"),
    ...(took > 0 ? [shortDuration(took)] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(count("canceled") > 0 ? [`${count("canceled")} stopped`] : []),
  ];
  return parts.join(" · ");
}

/** `2 of 4 tasks done`. */
export function planProgress(tasks: Tasks): string {
  const all = plannedTasks(tasks);
  return `${all.filter(isOver).length} of ${plural(all.length, "task")} done`;
}
