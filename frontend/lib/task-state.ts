/**
 * One task of a run, and what hangs on it: calls of tools, questions to the user, the plan it made for its children.
 * Pure; knows neither the wire's order nor the run's maps.
 */

import {
  type AttemptFailure,
  type Budget,
  type ErrorFacts,
  MAIN,
  type MessageKind,
  type Plan,
  type PlanAmendment,
  type PlanTask,
  type TaskStatus,
} from "@/lib/protocol";

export interface PlanState {
  /** As it stands: the user's tasks in place of the first ones, and with what was added since. */
  readonly plan: Plan;
  readonly needsApproval: boolean;
  /** What the user said; `null`: nothing yet, or was not asked. */
  readonly decided: boolean | null;
  readonly amendments: readonly PlanAmendment[];
}

export interface TaskState {
  /** `main`, `1`, `2.1`. */
  readonly id: string;
  readonly parentId: string | null;
  /** As planned; `null` for the run's own task. */
  readonly spec: PlanTask | null;
  readonly role: string;
  readonly model: string | null;
  readonly status: TaskStatus;
  /** 1 as planned, one more after each change of role or model. */
  readonly assignment: number;
  /** The server's clock, ms. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Ids, in the order in which they began. */
  readonly messages: readonly string[];
  readonly calls: readonly string[];
  readonly failures: readonly AttemptFailure[];
  readonly openQuestion: string | null;
  /** The plan that this task made for its children. */
  readonly plan: PlanState | null;
  /** What it may use; 0: no limit is known. */
  readonly budget: { readonly tokens: number; readonly seconds: number; readonly reached: readonly Budget[] };
  /** Tokens in and out of its own finished model calls. */
  readonly usedTokens: number;
  /** Its newest answer was cut at its length limit. */
  readonly cut: boolean;
  readonly error: ErrorFacts | null;
  /** Its result is this, or the text of `resultMessage`. */
  readonly result: string;
  readonly resultMessage: string | null;
  /** Who waited for it now waits for this one. */
  readonly replacedBy: string | null;
  readonly stopping: boolean;
  /** In a fork: the result was taken from there. */
  readonly reused: { readonly fromRunId: string } | null;
}

export interface CallState {
  readonly id: string;
  readonly taskId: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
  readonly step: string;
  readonly attempt: number;
  readonly needsApproval: boolean;
  /** What from outside is in its agent's context, so that it asks: "a web page". */
  readonly because: readonly string[];
  readonly decided: boolean | null;
  readonly startedAt: number;
  readonly result: {
    readonly ok: boolean;
    readonly content: string;
    readonly ms: number;
    readonly leftOut: number;
  } | null;
  readonly endedAt: number | null;
}

export interface QuestionState {
  readonly id: string;
  readonly taskId: string;
  readonly text: string;
  readonly options: readonly string[];
  readonly askedAt: number;
  readonly answer: string | null;
}

/** What one agent told another. */
export interface MailItem {
  readonly seq: number;
  readonly at: number;
  readonly taskId: string;
  readonly sender: string;
  readonly recipient: string;
  readonly kind: MessageKind;
  readonly text: string;
  readonly refs: readonly string[];
}

export interface BoardEntry {
  readonly key: string;
  readonly version: number;
  readonly text: string;
  readonly taskId: string;
  readonly at: number;
}

/** Whose plan the task is in; `null` for the run's own task. */
export function parentOf(taskId: string): string | null {
  if (taskId === MAIN) return null;
  const dot = taskId.lastIndexOf(".");
  return dot < 0 ? MAIN : taskId.slice(0, dot);
}

/** 0 for the run's own task, 1 for its children, and so on. */
export function depthOf(taskId: string): number {
  return taskId === MAIN ? 0 : taskId.split(".").length;
}

/** In the order of their numbers: `main`, `1`, `2`, `2.1`, `10`. */
export function compareTaskIds(a: string, b: string): number {
  if (a === MAIN || b === MAIN) return a === b ? 0 : a === MAIN ? -1 : 1;
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

const OVER: ReadonlySet<TaskStatus> = new Set(["completed", "failed", "canceled", "rejected"]);

export function isOver(task: TaskState): boolean {
  return OVER.has(task.status);
}

export function newTask(id: string, spec: PlanTask | null = null): TaskState {
  return {
    id,
    parentId: parentOf(id),
    spec,
    role: spec?.role ?? "",
    model: spec?.model ?? null,
    status: "submitted",
    assignment: 1,
    startedAt: null,
    endedAt: null,
    messages: [],
    calls: [],
    failures: [],
    openQuestion: null,
    plan: null,
    budget: { tokens: spec?.tokens ?? 0, seconds: spec?.seconds ?? 0, reached: [] },
    usedTokens: 0,
    cut: false,
    error: null,
    result: "",
    resultMessage: null,
    replacedBy: null,
    stopping: false,
    reused: null,
  };
}

/** It is done, and its result is not whole. */
export function isCut({ status, cut, reused }: TaskState): boolean {
  return status === "completed" && cut && reused === null;
}

/** Tokens in and out of the task and of all below it. */
export function spentBy(tasks: ReadonlyMap<string, TaskState>, taskId: string): number {
  let spent = 0;
  for (const task of tasks.values()) {
    if (taskId === MAIN || task.id === taskId || task.id.startsWith(`${taskId}.`)) spent += task.usedTokens;
  }
  return spent;
}

/** A plan makes its tasks known before they begin; one that has begun keeps what it has done. */
export function withSpec(task: TaskState | undefined, spec: PlanTask): TaskState {
  if (task === undefined || task.startedAt === null) return newTask(spec.id, spec);
  return { ...task, spec };
}

export function planMade(task: TaskState, plan: Plan, needsApproval: boolean): TaskState {
  const status = needsApproval ? "input_required" : "working";
  return { ...task, status, plan: { plan, needsApproval, decided: null, amendments: [] } };
}

export function planDecided(
  task: TaskState,
  approved: boolean,
  tasks: readonly PlanTask[] | null,
): TaskState {
  if (task.plan === null) return task;
  const plan = tasks === null ? task.plan.plan : { ...task.plan.plan, tasks: [...tasks] };
  const status = task.status === "input_required" ? "working" : task.status;
  return { ...task, status, plan: { ...task.plan, plan, decided: approved } };
}

export function planAmended(task: TaskState, amendment: PlanAmendment): TaskState {
  if (task.plan === null) return task;
  const { add = [] } = amendment;
  const { plan } = task.plan;
  return {
    ...task,
    plan: {
      ...task.plan,
      plan: add.length === 0 ? plan : { ...plan, tasks: [...plan.tasks, ...add] },
      amendments: [...task.plan.amendments, amendment],
    },
  };
}

/** A task that has not begun now waits for others than it did. */
export function waitingFor(task: TaskState, replace: Readonly<Record<string, string>>): TaskState {
  const waits = task.spec?.depends_on ?? [];
  if (task.spec === null || task.startedAt !== null || !waits.some((id) => id in replace)) return task;
  return { ...task, spec: { ...task.spec, depends_on: waits.map((id) => replace[id] ?? id) } };
}

export function ended(task: TaskState, status: TaskStatus, at: number): TaskState {
  return { ...task, status, endedAt: at, stopping: false, openQuestion: null };
}
