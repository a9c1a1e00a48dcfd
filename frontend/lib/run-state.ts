/**
 * What the client knows of a thread: a pure fold over the server's events. Knows no socket, no clock and no screen.
 *
 * Text is exact or flagged: a delta is applied only where it continues what we have, what we have is ignored, and
 * anything else sets `gap`, upon which the owner subscribes again with `cursorsOf`.
 */

import type {
  AttemptFailure,
  Cursors,
  ErrorFacts,
  Kind,
  ReasoningMessageContent,
  Route,
  RunStatus,
  ServerEvent,
  TextMessageContent,
  TextMessageEnd,
  TextMessageStart,
} from "@/lib/protocol";
import { EMPTY_TREE, growTree, type Tree } from "@/lib/tree";

export interface MessageState {
  readonly start: TextMessageStart;
  readonly attempt: number;
  readonly text: string;
  readonly n: number;
  readonly reasoning: string;
  readonly reasoningN: number;
  /** Pieces the model sent while we watched, and when (our clock, ms), for the live rate. */
  readonly tokens: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly end: TextMessageEnd | null;
}

export interface RunState {
  readonly id: string;
  readonly seq: number;
  readonly text: string;
  readonly parentRunId: string | null;
  readonly ofRunId: string | null;
  readonly key: string | null;
  readonly asked: { readonly model: string | null; readonly kind: Kind | null };
  readonly startedAt: number;
  readonly status: RunStatus;
  readonly route: Route | null;
  readonly corrected: Kind | null;
  readonly message: MessageState | null;
  readonly failures: readonly AttemptFailure[];
  readonly stopping: boolean;
  readonly error: ErrorFacts | null;
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

export function isWorking(run: RunState): boolean {
  return run.status === "submitted" || run.status === "working";
}

/** Unicode code points of `text`; JavaScript's length counts UTF-16 units. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      const next = text.charCodeAt(at + 1);
      if (next >= 0xdc00 && next <= 0xdfff) {
        count--;
        at++;
      }
    }
  }
  return count;
}

function dropCodePoints(text: string, count: number): string {
  let at = 0;
  for (let left = count; left > 0 && at < text.length; left--)
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(at);
}

/** What of a delta that ends at `n` continues a text of `have` code points: `""` nothing new, `null` a gap. */
export function continuation(have: number, n: number, delta: string): string | null {
  if (n <= have) return "";
  const start = n - codePoints(delta);
  if (start === have) return delta;
  return start < have ? dropCodePoints(delta, have - start) : null;
}

type RunResult = RunState | "gap";

function applyText(
  run: RunState,
  event: TextMessageContent | ReasoningMessageContent,
  now: number,
): RunResult {
  const message = run.message;
  if (message === null || event.attempt > message.attempt) return "gap";
  if (event.attempt < message.attempt || message.end !== null) return run;
  const isText = event.type === "TEXT_MESSAGE_CONTENT";
  const more = continuation(isText ? message.n : message.reasoningN, event.n, event.delta);
  if (more === null) return "gap";
  if (more === "") return run;
  const clock = {
    tokens: message.tokens + (event.tokens ?? 1),
    firstAt: message.firstAt || now,
    lastAt: now,
  };
  const grown: MessageState = isText
    ? { ...message, ...clock, text: message.text + more, n: event.n }
    : { ...message, ...clock, reasoning: message.reasoning + more, reasoningN: event.n };
  return { ...run, message: grown };
}

function applyEntry(run: RunState, event: ServerEvent): RunResult {
  switch (event.type) {
    case "TEXT_MESSAGE_START":
      return {
        ...run,
        status: "working",
        message: {
          start: event,
          attempt: event.attempt,
          text: "",
          n: 0,
          reasoning: "",
          reasoningN: 0,
          tokens: 0,
          firstAt: 0,
          lastAt: 0,
          end: null,
        },
      };
    case "TEXT_MESSAGE_END": {
      const message = run.message;
      if (message === null || message.attempt !== event.attempt) return "gap";
      if (message.n !== event.n || message.reasoningN !== (event.reasoningN ?? 0)) return "gap";
      return { ...run, message: { ...message, end: event } };
    }
    case "RUN_FINISHED":
      return { ...run, status: event.status, stopping: false };
    case "RUN_ERROR": {
      const { code, message, expected, actual, hint } = event;
      return { ...run, status: "failed", stopping: false, error: { code, message, expected, actual, hint } };
    }
    case "CUSTOM":
      if (event.name === "alma.route") return { ...run, route: event.value };
      if (event.name === "alma.route_corrected") return { ...run, corrected: event.value.kind };
      if (event.name === "alma.stop_requested") return { ...run, stopping: isWorking(run) };
      if (event.name === "alma.attempt_failed") return { ...run, failures: [...run.failures, event.value] };
      return run;
    default:
      return run;
  }
}

/** One event of one run that we know. Entries must come in the order of `seq`; text must continue what we have. */
function reduceRun(run: RunState, event: ServerEvent, now: number): RunResult {
  if (event.type === "TEXT_MESSAGE_CONTENT" || event.type === "REASONING_MESSAGE_CONTENT") {
    return applyText(run, event, now);
  }
  const seq = event.seq ?? 0;
  if (seq === 0 || seq <= run.seq) return run;
  if (seq > run.seq + 1) return "gap";
  const next = applyEntry(run, event);
  return next === "gap" ? next : { ...next, seq };
}

function firstState(event: Extract<ServerEvent, { type: "RUN_STARTED" }>, runId: string): RunState {
  return {
    id: runId,
    seq: event.seq ?? 1,
    text: event.text,
    parentRunId: event.parentRunId ?? null,
    ofRunId: event.ofRunId ?? null,
    key: event.key ?? null,
    asked: { model: event.model ?? null, kind: event.kind ?? null },
    startedAt: event.timestamp ?? 0,
    status: "submitted",
    route: null,
    corrected: null,
    message: null,
    failures: [],
    stopping: false,
    error: null,
  };
}

/** Folds a batch of events of one thread; `now` is our clock in ms. Gives the same object back if nothing changed. */
export function reduceAll(state: ThreadState, events: readonly ServerEvent[], now: number): ThreadState {
  let { tree, live, older, gap } = state;
  let runs: Map<string, RunState> | null = null;
  for (const event of events) {
    if (event.type === "CUSTOM" && event.name === "alma.live") {
      live = true;
      gap = false;
      older = event.value.older ?? 0;
      continue;
    }
    const runId = event.runId;
    if (!runId) continue;
    const run = (runs ?? state.runs).get(runId);
    if (run === undefined) {
      // Not sent because it is older than what we asked for, unless we have everything: then something was lost.
      if (event.type !== "RUN_STARTED") {
        gap ||= live && older === 0;
        continue;
      }
      const first = firstState(event, runId);
      runs ??= new Map(state.runs);
      runs.set(runId, first);
      tree = growTree(tree, { id: runId, parentId: first.parentRunId });
      continue;
    }
    const next = reduceRun(run, event, now);
    if (next === "gap") {
      gap = true;
    } else if (next !== run) {
      runs ??= new Map(state.runs);
      runs.set(runId, next);
    }
  }
  if (runs === null && live === state.live && older === state.older && gap === state.gap) return state;
  return { ...state, runs: runs ?? state.runs, tree, live, older, gap };
}

export function reduce(state: ThreadState, event: ServerEvent, now = 0): ThreadState {
  return reduceAll(state, [event], now);
}

/** What to tell the server when subscribing again: the last `seq` of every run, and how far its open message is. */
export function cursorsOf(state: ThreadState): Cursors {
  const cursors: Cursors = {};
  for (const run of state.runs.values()) {
    const message = run.message;
    const open = message !== null && message.end === null && isWorking(run);
    cursors[run.id] = open
      ? {
          seq: run.seq,
          messages: {
            [message.start.messageId]: {
              attempt: message.attempt,
              n: message.n,
              ...(message.reasoningN > 0 ? { reasoningN: message.reasoningN } : {}),
            },
          },
        }
      : { seq: run.seq };
  }
  return cursors;
}
