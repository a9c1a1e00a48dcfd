/**
 * What the client knows of a thread: a pure fold over the server's events. Knows no socket, no clock and no screen.
 *
 * Entries come in the order of their `seq` and text continues what we have; anything else sets `gap`, upon which the
 * owner subscribes again with `cursorsOf`.
 */

import type { ChosenState, LessonState, SignalState } from "@/lib/learned-state";
import { growMessage, isOpen, type MessageState } from "@/lib/message-state";
import {
  type AttemptFailure,
  type Budget,
  type ContextNote,
  type Cursors,
  type ErrorFacts,
  type Fork,
  type Kind,
  MAIN,
  type Route,
  type RunStatus,
  type ServerEvent,
} from "@/lib/protocol";
import type { RecallState } from "@/lib/recall-state";
import { RunDraft } from "@/lib/run-draft";
import { applyEntry, showAnswer } from "@/lib/run-entries";
import {
  type BoardEntry,
  type CallState,
  type MailItem,
  newTask,
  type QuestionState,
  type TaskState,
} from "@/lib/task-state";
import { EMPTY_TREE, growTree, type Tree } from "@/lib/tree";

export type { MessageState } from "@/lib/message-state";
export type { RecallState } from "@/lib/recall-state";
export type { BoardEntry, CallState, MailItem, PlanState, QuestionState, TaskState } from "@/lib/task-state";

/** An entry as it came, for who looks at the run as it was: no text, which is in `messages`. `at`: server ms. */
export interface HistoryItem {
  readonly seq: number;
  readonly at: number;
  readonly event: ServerEvent;
}

export interface Limits {
  readonly tokens: number;
  readonly seconds: number;
  readonly money: number;
}

export interface RunState {
  readonly id: string;
  readonly seq: number;
  readonly text: string;
  readonly parentRunId: string | null;
  readonly ofRunId: string | null;
  readonly key: string | null;
  readonly asked: { readonly model: string | null; readonly kind: Kind | null };
  /** What the user let it use at most, tokens, seconds and US dollars; 0: no limit of its own. */
  readonly limits: Limits;
  /** The user wanted no answer from the cache. */
  readonly fresh: boolean;
  /** The user wanted to see a plan before it runs. */
  readonly approve: boolean;
  readonly fork: Fork | null;
  readonly startedAt: number;
  readonly status: RunStatus;
  readonly route: Route | null;
  readonly corrected: Kind | null;
  /** The newest answer of the run's own task. */
  readonly message: MessageState | null;
  /** Of the run's own task. */
  readonly failures: readonly AttemptFailure[];
  readonly stopping: boolean;
  readonly paused: boolean;
  readonly error: ErrorFacts | null;
  /** By task id; `main` is always there. */
  readonly tasks: ReadonlyMap<string, TaskState>;
  readonly messages: ReadonlyMap<string, MessageState>;
  readonly calls: ReadonlyMap<string, CallState>;
  readonly questions: ReadonlyMap<string, QuestionState>;
  readonly mail: readonly MailItem[];
  readonly board: ReadonlyMap<string, BoardEntry>;
  /** By message id: what was taken out of a prompt that has not been sent yet. */
  readonly trims: ReadonlyMap<string, readonly ContextNote[]>;
  /** Budgets of more than one task that are used up, or nearly so. */
  readonly budgets: readonly Budget[];
  /** Each look of an agent into memory, in their order. */
  readonly recalls: readonly RecallState[];
  /** What learning chose for each task, and which lessons stood in each prompt. */
  readonly choices: readonly ChosenState[];
  readonly lessons: readonly LessonState[];
  /** What its owner thinks of it, in their order; they come after its end too. */
  readonly signals: readonly SignalState[];
  readonly history: readonly HistoryItem[];
}

export interface ThreadState {
  readonly threadId: string;
  readonly runs: ReadonlyMap<string, RunState>;
  readonly tree: Tree;
  readonly live: boolean;
  /** Turns that the server has and did not send. */
  readonly older: number;
  readonly gap: boolean;
  readonly missing: boolean;
}

export function emptyThread(threadId: string): ThreadState {
  return { threadId, runs: new Map(), tree: EMPTY_TREE, live: false, older: 0, gap: false, missing: false };
}

/** It has not ended; it may be waiting for the user, or paused. */
export function isWorking(run: RunState): boolean {
  return run.status === "submitted" || run.status === "working" || run.status === "input_required";
}

/** One event of a run that we know. False: something is missing before it. */
function reduceRun(draft: RunDraft, event: ServerEvent, now: number): boolean {
  if (event.type === "TEXT_MESSAGE_CONTENT" || event.type === "REASONING_MESSAGE_CONTENT") {
    const before = draft.run.messages.get(event.messageId);
    const after = growMessage(before, event, now);
    if (after === "gap") return false;
    if (after !== before) {
      draft.put("messages", event.messageId, after);
      showAnswer(draft, event.messageId);
    }
    return true;
  }
  const seq = event.seq ?? 0;
  if (seq === 0 || seq <= draft.run.seq) return true;
  if (seq > draft.run.seq + 1 || !applyEntry(draft, event)) return false;
  draft.run.seq = seq;
  draft.append("history", { seq, at: event.timestamp ?? 0, event });
  return true;
}

/** A run of which only its beginning is known. */
export function firstState(event: Extract<ServerEvent, { type: "RUN_STARTED" }>, runId: string): RunState {
  const { seq = 1, timestamp: at = 0 } = event;
  return {
    id: runId,
    seq,
    text: event.text,
    parentRunId: event.parentRunId ?? null,
    ofRunId: event.ofRunId ?? null,
    key: event.key ?? null,
    asked: { model: event.model ?? null, kind: event.kind ?? null },
    limits: { tokens: event.tokens ?? 0, seconds: event.seconds ?? 0, money: event.money ?? 0 },
    fresh: event.fresh ?? false,
    approve: event.approve ?? false,
    fork: event.fork ?? null,
    startedAt: at,
    status: "submitted",
    route: null,
    corrected: null,
    message: null,
    failures: [],
    stopping: false,
    paused: false,
    error: null,
    tasks: new Map([[MAIN, { ...newTask(MAIN), startedAt: at }]]),
    messages: new Map(),
    calls: new Map(),
    questions: new Map(),
    mail: [],
    board: new Map(),
    trims: new Map(),
    budgets: [],
    recalls: [],
    choices: [],
    lessons: [],
    signals: [],
    history: [{ seq, at, event }],
  };
}

/** Folds a batch of events of one thread; `now` is our clock in ms. Gives the same object back if nothing changed. */
export function reduceAll(state: ThreadState, events: readonly ServerEvent[], now: number): ThreadState {
  let { tree, live, older, gap } = state;
  const drafts = new Map<string, RunDraft>();
  for (const event of events) {
    if (event.type === "CUSTOM" && event.name === "alma.live") {
      live = true;
      gap = false;
      older = event.value.older ?? 0;
      continue;
    }
    const { runId } = event;
    if (!runId) continue;
    let draft = drafts.get(runId);
    if (draft === undefined) {
      const run = state.runs.get(runId);
      if (run === undefined && event.type !== "RUN_STARTED") {
        // Not sent because it is older than what we asked for, unless we have everything: then something was lost.
        gap ||= live && older === 0;
        continue;
      }
      draft = new RunDraft(run ?? firstState(event as Extract<ServerEvent, { type: "RUN_STARTED" }>, runId));
      drafts.set(runId, draft);
      if (run === undefined) {
        draft.changed = true;
        tree = growTree(tree, { id: runId, parentId: draft.run.parentRunId });
        continue;
      }
    }
    if (!reduceRun(draft, event, now)) gap = true;
  }
  const changed = [...drafts.values()].filter((draft) => draft.changed);
  if (changed.length === 0 && live === state.live && older === state.older && gap === state.gap) return state;
  if (changed.length === 0) return { ...state, live, older, gap };
  const runs = new Map(state.runs);
  for (const { run } of changed) runs.set(run.id, run);
  return { ...state, runs, tree, live, older, gap };
}

export function reduce(state: ThreadState, event: ServerEvent, now = 0): ThreadState {
  return reduceAll(state, [event], now);
}

/** What to tell the server when subscribing again: the last `seq` of every run, and how far its open messages are. */
export function cursorsOf(state: ThreadState): Cursors {
  const cursors: Cursors = {};
  for (const run of state.runs.values()) {
    const open = isWorking(run) ? [...run.messages.values()].filter(isOpen) : [];
    cursors[run.id] = { seq: run.seq };
    if (open.length === 0) continue;
    const messages = open.map(({ start, attempt, n, reasoningN }) => [
      start.messageId,
      { attempt, n, ...(reasoningN > 0 ? { reasoningN } : {}) },
    ]);
    cursors[run.id] = { seq: run.seq, messages: Object.fromEntries(messages) };
  }
  return cursors;
}
