/** What each journal entry means for a run. Pure but for the draft it is given. */

import { endMessage, isAnswer, openMessage } from "@/lib/message-state";
import {
  type Custom,
  type ErrorFacts,
  MAIN,
  type PlanTask,
  type RunStatus,
  type ServerEvent,
} from "@/lib/protocol";
import { newRecall } from "@/lib/recall-state";
import type { RunDraft } from "@/lib/run-draft";
import { applyTalk, atWork, stillAsks } from "@/lib/run-talk";
import {
  ended,
  isOver,
  planAmended,
  planDecided,
  planMade,
  type TaskState,
  waitingFor,
  withSpec,
} from "@/lib/task-state";

type Of<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;
type CustomOf<Name extends Custom["name"]> = Extract<Custom, { name: Name }>;

/** Folds an entry in. False: something before it is missing, and nothing was changed. */
export function applyEntry(draft: RunDraft, event: ServerEvent): boolean {
  const at = event.timestamp ?? 0;
  const task = draft.taskOf(event);
  switch (event.type) {
    case "TEXT_MESSAGE_START":
      messageStarted(draft, task, event);
      break;
    case "TEXT_MESSAGE_END":
      return messageEnded(draft, task, event);
    case "SUBAGENT_STARTED":
      taskStarted(draft, task, event);
      break;
    case "SUBAGENT_FINISHED":
      draft.putTask({
        ...ended(task, event.status, at),
        result: event.result ?? "",
        resultMessage: event.messageId || null,
      });
      break;
    case "SUBAGENT_ERROR":
      draft.putTask({ ...ended(task, event.status, at), error: errorOf(event) });
      break;
    case "TOOL_CALL_START":
      toolCalled(draft, task, event);
      break;
    case "TOOL_CALL_RESULT":
      toolReturned(draft, task, event);
      break;
    case "RUN_FINISHED":
      runEnded(draft, event.status, null, at);
      break;
    case "RUN_ERROR":
      runEnded(draft, "failed", errorOf(event), at);
      break;
    case "CUSTOM":
      applyCustom(draft, task, event);
      break;
    default:
  }
  return true;
}

function errorOf({ code, message, expected, actual, hint }: ErrorFacts): ErrorFacts {
  return { code, message, expected, actual, hint };
}

function messageStarted(draft: RunDraft, task: TaskState, event: Of<"TEXT_MESSAGE_START">): void {
  const { messageId } = event;
  const message = openMessage(event, draft.run.trims.get(messageId), draft.run.messages.get(messageId));
  if (message.trims.length > 0) draft.remove("trims", messageId);
  draft.put("messages", messageId, message);
  draft.putTask({
    ...task,
    ...atWork(task),
    role: event.name || task.role,
    model: event.model || task.model,
    startedAt: task.startedAt ?? message.startedAt,
    messages: task.messages.includes(messageId) ? task.messages : [...task.messages, messageId],
  });
  draft.run.status = "working";
  if (task.id === MAIN && isAnswer(message)) draft.run.message = message;
}

function messageEnded(draft: RunDraft, task: TaskState, event: Of<"TEXT_MESSAGE_END">): boolean {
  const message = endMessage(draft.run.messages.get(event.messageId), event);
  if (message === "gap") return false;
  draft.put("messages", event.messageId, message);
  const { input_tokens = 0, output_tokens = 0 } = event.usage;
  const cut = isAnswer(message) ? event.finishReason === "length" : task.cut;
  draft.putTask({ ...task, cut, usedTokens: task.usedTokens + input_tokens + output_tokens });
  showAnswer(draft, event.messageId);
  return true;
}

/** `run.message` is the same object as in `messages`. */
export function showAnswer(draft: RunDraft, messageId: string): void {
  if (draft.run.message?.start.messageId !== messageId) return;
  draft.run.message = draft.run.messages.get(messageId) ?? null;
}

function taskStarted(draft: RunDraft, task: TaskState, event: Of<"SUBAGENT_STARTED">): void {
  const { tokens = 0, seconds = 0 } = event;
  draft.run.status = "working";
  draft.putTask({
    ...task,
    status: "working",
    role: event.name,
    model: event.model || task.model,
    assignment: event.assignment ?? 1,
    startedAt: task.startedAt ?? event.timestamp ?? 0,
    endedAt: null,
    error: null,
    budget: { ...task.budget, tokens: tokens || task.budget.tokens, seconds: seconds || task.budget.seconds },
  });
}

function toolCalled(draft: RunDraft, task: TaskState, event: Of<"TOOL_CALL_START">): void {
  const { toolCallId: id, needsApproval = false } = event;
  const before = draft.run.calls.get(id);
  const asks = needsApproval && (before?.decided ?? null) === null;
  draft.put("calls", id, {
    id,
    taskId: task.id,
    name: event.toolCallName,
    arguments: event.arguments,
    step: event.step ?? "answer",
    attempt: event.attempt ?? 1,
    needsApproval,
    because: event.because ?? [],
    decided: before?.decided ?? null,
    startedAt: event.timestamp ?? 0,
    result: null,
    endedAt: null,
  });
  draft.putTask({
    ...task,
    ...(asks && !isOver(task) ? { status: "input_required" } : atWork(task)),
    calls: before === undefined ? [...task.calls, id] : task.calls,
  });
}

function toolReturned(draft: RunDraft, task: TaskState, event: Of<"TOOL_CALL_RESULT">): void {
  const call = draft.run.calls.get(event.toolCallId);
  if (call === undefined) return;
  const { ok, content, ms = 0, leftOut = 0, timestamp = 0 } = event;
  draft.put("calls", call.id, { ...call, result: { ok, content, ms, leftOut }, endedAt: timestamp });
  if (!stillAsks(draft, task)) draft.putTask({ ...task, ...atWork(task) });
}

function runEnded(draft: RunDraft, status: RunStatus, error: ErrorFacts | null, at: number): void {
  const { run } = draft;
  run.status = status;
  run.stopping = false;
  run.paused = false;
  run.error = error;
  for (const task of [...run.tasks.values()]) {
    if (task.id === MAIN) draft.putTask({ ...ended(task, run.status, at), error });
    else if (!isOver(task)) draft.putTask(ended(task, "canceled", at));
  }
}

function addTasks(draft: RunDraft, specs: readonly PlanTask[]): void {
  for (const spec of specs) draft.putTask(withSpec(draft.run.tasks.get(spec.id), spec));
}

function childrenOf(draft: RunDraft, taskId: string): TaskState[] {
  return [...draft.run.tasks.values()].filter((task) => task.parentId === taskId);
}

function applyCustom(draft: RunDraft, task: TaskState, event: Custom): void {
  const at = event.timestamp ?? 0;
  const { run } = draft;
  switch (event.name) {
    case "alma.route":
      run.route = event.value;
      if (task.role === "") draft.putTask({ ...task, role: event.value.role });
      break;
    case "alma.route_corrected":
      run.corrected = event.value.kind;
      break;
    case "alma.stop_requested":
      stopAsked(draft, task);
      break;
    case "alma.paused":
      run.paused = true;
      break;
    case "alma.resumed":
      run.paused = false;
      break;
    case "alma.attempt_failed":
      attemptFailed(draft, task, event);
      break;
    case "alma.plan":
      draft.putTask(planMade(task, event.value.plan, event.value.needsApproval ?? false));
      addTasks(draft, event.value.plan.tasks);
      break;
    case "alma.plan_decided":
      decided(draft, task, event);
      break;
    case "alma.plan_amended":
      amended(draft, task, event);
      break;
    case "alma.task_reused":
      draft.putTask({
        ...ended(task, event.value.status, at),
        role: event.value.role,
        startedAt: at,
        result: event.value.text,
        reused: { fromRunId: event.value.fromRunId },
      });
      break;
    case "alma.budget":
      if ((event.value.scope ?? "task") !== "task") draft.append("budgets", event.value);
      else
        draft.putTask({
          ...task,
          budget: { ...task.budget, reached: [...task.budget.reached, event.value] },
        });
      break;
    case "alma.context": {
      const { messageId } = event.value;
      draft.put("trims", messageId, [...(run.trims.get(messageId) ?? []), event.value]);
      break;
    }
    case "alma.recalled":
      draft.append("recalls", newRecall(event.value, event.seq ?? 0, at, task.id));
      break;
    case "alma.choices":
      draft.append("choices", { taskId: task.id, ...event.value });
      break;
    case "alma.lessons":
      draft.append("lessons", { taskId: task.id, ...event.value });
      break;
    case "alma.signal":
      draft.append("signals", { taskId: task.id, seq: event.seq ?? 0, ...event.value });
      break;
    default:
      applyTalk(draft, task, event);
  }
}

function attemptFailed(draft: RunDraft, task: TaskState, event: CustomOf<"alma.attempt_failed">): void {
  const failure = event.value;
  const failures = [...task.failures, failure];
  const { toRole = null, toModel = null } = failure;
  const passedOn = toRole !== null || toModel !== null;
  draft.putTask({
    ...task,
    failures,
    role: toRole ?? task.role,
    model: toModel ?? task.model,
    assignment: task.assignment + (passedOn ? 1 : 0),
  });
  if (task.id === MAIN) draft.run.failures = failures;
  const message = draft.run.messages.get(failure.messageId);
  if (message === undefined || message.attempt !== failure.attempt) return;
  draft.put("messages", failure.messageId, { ...message, endedAt: event.timestamp ?? 0 });
  showAnswer(draft, failure.messageId);
}

function decided(draft: RunDraft, task: TaskState, event: CustomOf<"alma.plan_decided">): void {
  const { approved, tasks = null } = event.value;
  draft.putTask(planDecided(task, approved, tasks));
  if (approved && tasks === null) return;
  for (const child of childrenOf(draft, task.id)) draft.remove("tasks", child.id);
  if (approved) addTasks(draft, tasks ?? []);
}

function amended(draft: RunDraft, task: TaskState, event: CustomOf<"alma.plan_amended">): void {
  const { add = [], cancel = [], replace = {} } = event.value;
  draft.putTask(planAmended(task, event.value));
  addTasks(draft, add);
  for (const id of cancel) {
    const child = draft.run.tasks.get(id);
    if (child !== undefined && !isOver(child)) draft.putTask(ended(child, "canceled", event.timestamp ?? 0));
  }
  for (const [id, by] of Object.entries(replace)) {
    const old = draft.run.tasks.get(id);
    if (old !== undefined) draft.putTask({ ...old, replacedBy: by });
  }
  // The new one itself goes on from the old one.
  const successors = new Set(Object.values(replace));
  for (const other of [...draft.run.tasks.values()]) {
    const waits = successors.has(other.id) ? other : waitingFor(other, replace);
    if (waits !== other) draft.putTask(waits);
  }
}

/** The task and all below it are to end. */
function stopAsked(draft: RunDraft, task: TaskState): void {
  if (task.id === MAIN) draft.run.stopping = !isOver(task);
  for (const other of [...draft.run.tasks.values()]) {
    const below = task.id === MAIN || other.id === task.id || other.id.startsWith(`${task.id}.`);
    if (below && !isOver(other)) draft.putTask({ ...other, stopping: true });
  }
}
