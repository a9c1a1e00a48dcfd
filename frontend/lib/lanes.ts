/**
 * The waterfall of a run: a row for each task, in it a bar for each attempt of a model call, each tool call and each
 * time of waiting, in lanes so that no two overlap. Pure; times are server ms.
 */

import { MAIN, type ServerEvent } from "@/lib/protocol";
import { isWorking, type RunState } from "@/lib/run-state";
import { compareTaskIds, depthOf, type TaskState } from "@/lib/task-state";

export type BarKind = "queued" | "waiting" | "writing" | "tool" | "approval" | "question";

export interface Bar {
  readonly id: string;
  readonly kind: BarKind;
  readonly state: "open" | "done" | "failed";
  readonly from: number;
  readonly to: number;
  /** Counts from the top of its row. */
  readonly lane: number;
  /** The model, the tool, or what was asked. */
  readonly label: string;
  readonly attempt: number;
  readonly messageId: string | null;
  readonly callId: string | null;
}

export interface Row {
  readonly taskId: string;
  readonly depth: number;
  readonly from: number;
  readonly to: number;
  readonly lanes: number;
  readonly bars: readonly Bar[];
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The run's own task, then each plan's tasks in their order, a task's own plan right below it. */
export function taskOrder(tasks: ReadonlyMap<string, TaskState>): TaskState[] {
  return [...tasks.values()].sort((a, b) => compareTaskIds(a.id, b.id));
}

/** From the question to the end, or to `now` while the run works. */
export function spanOf(run: RunState, now: number): Span {
  const last = run.history.at(-1)?.at ?? run.startedAt;
  return { from: run.startedAt, to: Math.max(isWorking(run) ? now : last, run.startedAt + 1) };
}

/** `firstToken` says when the first token of an open message came, if that is known. */
export function lanesOf(
  run: RunState,
  now: number,
  firstToken: (messageId: string) => number | null = () => null,
): Row[] {
  const end = spanOf(run, now).to;
  const calls = new Map<string, Call[]>();
  for (const call of callsOf(run, end, firstToken)) {
    const known = calls.get(call.taskId);
    if (known === undefined) calls.set(call.taskId, [call]);
    else known.push(call);
  }
  const ready = readyTimes(run);
  return taskOrder(run.tasks).map((task) => {
    const own = [...(calls.get(task.id) ?? [])].sort((a, b) => a.from - b.from);
    const since = ready.get(task.id);
    const began = task.startedAt ?? task.endedAt ?? end;
    if (since !== undefined && began > since) own.unshift(queued(task, since, began));
    const { bars, lanes } = pack(own);
    const from = Math.min(
      task.startedAt ?? Number.POSITIVE_INFINITY,
      bars[0]?.from ?? Number.POSITIVE_INFINITY,
    );
    const to = task.endedAt ?? (task.startedAt === null ? from : end);
    return { taskId: task.id, depth: depthOf(task.id), from, to: Math.max(from, to), lanes, bars };
  });
}

/** Something that took time: one bar, or two that follow each other (waiting, then writing). */
interface Call extends Span {
  readonly taskId: string;
  readonly bars: readonly Omit<Bar, "lane">[];
}

interface OpenCall {
  readonly taskId: string;
  readonly from: number;
  readonly label: string;
  readonly attempt: number;
  /** When the user allowed it, or is still to. */
  needsApproval: boolean;
  decidedAt: number | null;
}

function queued(task: TaskState, from: number, to: number): Call {
  const state = task.startedAt === null && task.endedAt === null ? "open" : "done";
  const bar = {
    id: `${task.id}/queued`,
    kind: "queued",
    state,
    from,
    to,
    label: "Waiting for a worker",
  } as const;
  return { taskId: task.id, from, to, bars: [{ ...bar, attempt: 1, messageId: null, callId: null }] };
}

/** When each task was free to begin: it was planned, and what it waits for had ended. */
function readyTimes(run: RunState): Map<string, number> {
  const planned = new Map<string, number>();
  for (const { at, event } of run.history) {
    if (event.type !== "CUSTOM") continue;
    if (event.name === "alma.plan") for (const { id } of event.value.plan.tasks) planned.set(id, at);
    if (event.name === "alma.plan_amended") for (const { id } of event.value.add ?? []) planned.set(id, at);
    if (event.name !== "alma.plan_decided" || !event.value.approved) continue;
    const parent = event.subagentRunId || MAIN;
    for (const task of run.tasks.values()) if (task.parentId === parent) planned.set(task.id, at);
  }
  const ready = new Map<string, number>();
  for (const [id, at] of planned) {
    const ends = (run.tasks.get(id)?.spec?.depends_on ?? []).map((on) => run.tasks.get(on)?.endedAt ?? null);
    if (ends.every((ended) => ended !== null)) ready.set(id, Math.max(at, ...ends));
  }
  return ready;
}

/** Model calls, tool calls and questions, from the history in one pass. */
function callsOf(run: RunState, end: number, firstToken: (messageId: string) => number | null): Call[] {
  const calls: Call[] = [];
  const open = {
    messages: new Map<string, OpenCall>(),
    tools: new Map<string, OpenCall>(),
    questions: new Map<string, OpenCall>(),
  };
  const written = (id: string, to: number, state: Bar["state"], first: number | null): void => {
    const call = open.messages.get(id);
    if (call === undefined) return;
    open.messages.delete(id);
    calls.push(modelCall(id, call, to, state, first));
  };
  const used = (id: string, to: number, state: Bar["state"]): void => {
    const call = open.tools.get(id);
    if (call === undefined) return;
    open.tools.delete(id);
    calls.push(toolCall(id, call, to, state));
  };
  const asked = (id: string, to: number, state: Bar["state"]): void => {
    const call = open.questions.get(id);
    if (call === undefined) return;
    open.questions.delete(id);
    calls.push(one(call, { id, kind: "question", state, from: call.from, to, label: call.label }));
  };
  for (const { at, event } of run.history) {
    switch (event.type) {
      case "TEXT_MESSAGE_START":
        written(event.messageId, at, "failed", null);
        open.messages.set(event.messageId, opened(event, at, event.model, event.attempt));
        break;
      case "TEXT_MESSAGE_END": {
        const from = open.messages.get(event.messageId)?.from ?? at;
        written(event.messageId, at, "done", from + (event.timing.first_token_ms ?? 0));
        break;
      }
      case "TOOL_CALL_START": {
        used(event.toolCallId, at, "failed");
        const call = opened(event, at, event.toolCallName, event.attempt ?? 1);
        open.tools.set(event.toolCallId, { ...call, needsApproval: event.needsApproval ?? false });
        break;
      }
      case "TOOL_CALL_RESULT":
        used(event.toolCallId, at, event.ok ? "done" : "failed");
        break;
      case "SUBAGENT_FINISHED":
      case "SUBAGENT_ERROR": {
        const ended = event.subagentRunId || MAIN;
        for (const [id, call] of open.messages) if (call.taskId === ended) written(id, at, "failed", null);
        for (const [id, call] of open.tools) if (call.taskId === ended) used(id, at, "failed");
        for (const [id, call] of open.questions) if (call.taskId === ended) asked(id, at, "failed");
        break;
      }
      case "CUSTOM":
        if (event.name === "alma.attempt_failed") written(event.value.messageId, at, "failed", null);
        if (event.name === "alma.tool_decided") {
          const call = open.tools.get(event.value.toolCallId);
          if (call !== undefined) call.decidedAt = at;
        }
        if (event.name === "alma.question")
          open.questions.set(event.value.questionId, opened(event, at, event.value.text, 1));
        if (event.name === "alma.question_answered") asked(event.value.questionId, at, "done");
        break;
      default:
    }
  }
  const left = isWorking(run) ? "open" : "failed";
  for (const id of [...open.messages.keys()]) written(id, end, left, firstToken(id));
  for (const id of [...open.tools.keys()]) used(id, end, left);
  for (const id of [...open.questions.keys()]) asked(id, end, left);
  return calls;
}

function opened(event: ServerEvent, from: number, label: string, attempt: number): OpenCall {
  const taskId = ("subagentRunId" in event && event.subagentRunId) || MAIN;
  return { taskId, from, label, attempt, needsApproval: false, decidedAt: null };
}

function one(call: OpenCall, bar: Omit<Bar, "lane" | "attempt" | "messageId" | "callId">): Call {
  const { taskId, attempt } = call;
  return { taskId, from: bar.from, to: bar.to, bars: [{ ...bar, attempt, messageId: null, callId: null }] };
}

function modelCall(id: string, call: OpenCall, to: number, state: Bar["state"], first: number | null): Call {
  const { taskId, from, label, attempt } = call;
  const common = { label, attempt, messageId: id, callId: null };
  const bars: Omit<Bar, "lane">[] = [];
  // Of an attempt that failed nobody tells when its first token came: it is one bar.
  const turn = state === "failed" ? from : Math.min(to, Math.max(from, first ?? to));
  if (turn > from)
    bars.push({
      ...common,
      id: `${id}/${attempt}/waiting`,
      kind: "waiting",
      state: turn === to && state === "open" ? "open" : "done",
      from,
      to: turn,
    });
  if (to > turn || bars.length === 0)
    bars.push({ ...common, id: `${id}/${attempt}/writing`, kind: "writing", state, from: turn, to });
  return { taskId, from, to, bars };
}

function toolCall(id: string, call: OpenCall, to: number, state: Bar["state"]): Call {
  const { taskId, from, label, attempt, needsApproval, decidedAt } = call;
  const common = { label, attempt, messageId: null, callId: id };
  const bars: Omit<Bar, "lane">[] = [];
  const allowed = needsApproval ? (decidedAt ?? to) : from;
  if (needsApproval)
    bars.push({
      ...common,
      id: `${id}/${attempt}/approval`,
      kind: "approval",
      state: decidedAt === null ? state : "done",
      from,
      to: allowed,
    });
  if (!needsApproval || decidedAt !== null)
    bars.push({ ...common, id: `${id}/${attempt}`, kind: "tool", state, from: allowed, to });
  return { taskId, from, to, bars };
}

/** Each call into the first lane that is free again. */
function pack(calls: readonly Call[]): { bars: Bar[]; lanes: number } {
  const free: number[] = [];
  const bars: Bar[] = [];
  for (const call of calls) {
    const found = free.findIndex((until) => until <= call.from);
    const lane = found < 0 ? free.length : found;
    free[lane] = call.to;
    for (const bar of call.bars) bars.push({ ...bar, lane });
  }
  return { bars, lanes: Math.max(1, free.length) };
}

const LEAST_SPAN_MS = 20;

/** The window on the time axis, zoomed by `factor` (< 1 is nearer) about the time `about`, kept within `whole`. */
export function zoomed(window: Span, whole: Span, factor: number, about: number): Span {
  const size = Math.min(whole.to - whole.from, Math.max(LEAST_SPAN_MS, (window.to - window.from) * factor));
  const share = (about - window.from) / Math.max(1, window.to - window.from);
  return within({ from: about - share * size, to: about + (1 - share) * size }, whole);
}

/** The window moved by `by`, kept within `whole`. */
export function panned(window: Span, whole: Span, by: number): Span {
  return within({ from: window.from + by, to: window.to + by }, whole);
}

function within({ from, to }: Span, whole: Span): Span {
  const size = Math.min(to - from, whole.to - whole.from);
  const start = Math.min(Math.max(from, whole.from), whole.to - size);
  return { from: start, to: start + size };
}

/** Round times (ms since `origin`) for about `count` marks in the window. */
export function ticksOf(window: Span, origin: number, count: number): number[] {
  const rough = (window.to - window.from) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough;
  const ticks: number[] = [];
  for (let at = Math.ceil((window.from - origin) / step) * step; at <= window.to - origin; at += step)
    ticks.push(at);
  return ticks;
}
