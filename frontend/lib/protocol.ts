/**
 * The wire, as types: one interface per Struct of the server, under the Struct's own name, so that each can become a
 * re-export of the generated `components["schemas"]`. Fields at their default are left out on the wire, hence optional.
 */

export const PROTOCOL = 1;

export type Kind = "chat" | "creative" | "analytical";
export const KINDS: readonly Kind[] = ["chat", "creative", "analytical"];
export type RunStatus = "submitted" | "working" | "completed" | "failed" | "canceled";

// ── Frozen data of the journal (snake_case) ──────────────────────────────────────────────────────────────────────

export interface Sampling {
  temperature: number;
  top_p: number;
  max_tokens: number;
}
export interface Neighbour {
  text: string;
  kind: Kind;
  score: number;
  source?: "role" | "correction";
}
export interface Section {
  name: string;
  tokens: number;
}
export interface Usage {
  input_tokens?: number;
  output_tokens?: number;
  cached_tokens?: number;
  estimated?: boolean;
}
export interface Timing {
  first_token_ms?: number;
  total_ms?: number;
}
export interface ErrorFacts {
  code: string;
  message: string;
  expected?: string | null;
  actual?: string | null;
  hint?: string | null;
}

// ── Events of a run ──────────────────────────────────────────────────────────────────────────────────────────────

interface Wire {
  timestamp?: number;
  threadId?: string;
  runId?: string;
  seq?: number;
}
export interface RunStartedEvent extends Wire {
  type: "RUN_STARTED";
  text: string;
  parentRunId?: string | null;
  ofRunId?: string | null;
  model?: string | null;
  kind?: Kind | null;
  key?: string | null;
}
export interface TextMessageStart extends Wire {
  type: "TEXT_MESSAGE_START";
  messageId: string;
  attempt: number;
  name: string;
  model: string;
  endpoint: string;
  sections: Section[];
  leftOutTurns?: number;
  contextWindow?: number;
  promptVersion?: string;
}
export interface TextMessageContent extends Wire {
  type: "TEXT_MESSAGE_CONTENT";
  messageId: string;
  attempt: number;
  n: number;
  delta: string;
  tokens?: number;
}
export interface ReasoningMessageContent extends Wire {
  type: "REASONING_MESSAGE_CONTENT";
  messageId: string;
  attempt: number;
  n: number;
  delta: string;
  tokens?: number;
}
export interface TextMessageEnd extends Wire {
  type: "TEXT_MESSAGE_END";
  messageId: string;
  attempt: number;
  n: number;
  finishReason: string;
  usage: Usage;
  timing: Timing;
  reasoningN?: number;
  model?: string;
}
export interface RunFinishedEvent extends Wire {
  type: "RUN_FINISHED";
  outcome: Record<string, string>;
  status: RunStatus;
}
export interface RunErrorEvent extends Wire, ErrorFacts {
  type: "RUN_ERROR";
}

// ── Payloads of CUSTOM events ────────────────────────────────────────────────────────────────────────────────────

export interface Route {
  kind: Kind;
  source: "examples" | "user" | "default";
  scores: Record<string, number>;
  neighbours: Neighbour[];
  role: string;
  promptVersion: string;
  sampling: Sampling;
}
export interface RouteCorrection {
  kind: Kind;
}
export interface AttemptFailure {
  messageId: string;
  attempt: number;
  error: ErrorFacts;
  retryInMs?: number | null;
}
export type Stopping = Record<string, never>;
export interface Welcome {
  protocol: number;
  version: string;
  bootId: string;
  heartbeatSeconds: number;
  maxFrameBytes: number;
  maxPromptChars: number;
}
export interface Ack {
  id: string;
  threadId?: string | null;
  runId?: string | null;
  duplicate?: boolean;
}
export interface CommandError extends ErrorFacts {
  id?: string;
}
export interface Live {
  older?: number;
}
export interface Preview {
  id: string;
  kind: Kind;
  scores: Record<string, number>;
}
export interface ThreadSummary {
  id: string;
  title: string;
  createdAt: number;
  updatedAt: number;
  runs?: number;
  working?: boolean;
  deleted?: boolean;
}
export interface ModelsChanged {
  reason: string;
}
export interface PullProgress {
  id: string;
  file: string;
  state: "running" | "done" | "failed" | "canceled";
  doneBytes: number;
  totalBytes?: number;
  model?: string | null;
  error?: ErrorFacts | null;
}
export interface Notice {
  code: string;
  message: string;
  hint?: string | null;
}
export interface Heartbeat {
  id?: string;
}

interface CustomPayloads {
  "alma.route": Route;
  "alma.route_corrected": RouteCorrection;
  "alma.attempt_failed": AttemptFailure;
  "alma.stop_requested": Stopping;
  "alma.welcome": Welcome;
  "alma.ack": Ack;
  "alma.error": CommandError;
  "alma.live": Live;
  "alma.route_preview": Preview;
  "alma.thread": ThreadSummary;
  "alma.models": ModelsChanged;
  "alma.pull": PullProgress;
  "alma.notice": Notice;
  "alma.heartbeat": Heartbeat;
}
type CustomName = keyof CustomPayloads;
export type Custom = {
  [Name in CustomName]: Wire & { type: "CUSTOM"; name: Name; value: CustomPayloads[Name] };
}[CustomName];

/** An event of a kind that this page does not know. It is kept, because its `seq` counts, and otherwise ignored. */
export interface UnknownEvent extends Wire {
  type: "UNKNOWN";
}

export type ServerEvent =
  | UnknownEvent
  | RunStartedEvent
  | TextMessageStart
  | TextMessageContent
  | ReasoningMessageContent
  | TextMessageEnd
  | RunFinishedEvent
  | RunErrorEvent
  | Custom;

// ── Commands ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface MessageCursor {
  attempt: number;
  n: number;
  reasoningN?: number;
}
export interface RunCursor {
  seq: number;
  messages?: Record<string, MessageCursor>;
}
export type Cursors = Record<string, RunCursor>;

export interface StartRun {
  type: "run.start";
  key: string;
  text: string;
  threadId?: string;
  parentRunId?: string;
  root?: boolean;
  model?: string;
  kind?: Kind;
}
export interface RetryRun {
  type: "run.retry";
  key: string;
  runId: string;
  text?: string;
  model?: string;
  kind?: Kind;
}
export interface StopRun {
  type: "run.stop";
  runId: string;
}
export interface CorrectRoute {
  type: "route.correct";
  runId: string;
  kind: Kind;
}
export interface PreviewRoute {
  type: "route.preview";
  text: string;
}
export interface Subscribe {
  type: "thread.subscribe";
  threadId: string;
  cursors?: Cursors;
  last?: number;
}
export interface Unsubscribe {
  type: "thread.unsubscribe";
  threadId: string;
}
export interface Ping {
  type: "ping";
}
/** A command before the connection gives it an `id`. */
export type Command =
  | StartRun
  | RetryRun
  | StopRun
  | CorrectRoute
  | PreviewRoute
  | Subscribe
  | Unsubscribe
  | Ping;

const TYPES = new Set<string>([
  "RUN_STARTED",
  "TEXT_MESSAGE_START",
  "TEXT_MESSAGE_CONTENT",
  "REASONING_MESSAGE_CONTENT",
  "TEXT_MESSAGE_END",
  "RUN_FINISHED",
  "RUN_ERROR",
  "CUSTOM",
]);

/** The one place where the wire is parsed. A frame that is no event at all is `null`. */
export function parseFrame(frame: string): ServerEvent | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(frame);
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const { type } = parsed as { type?: unknown };
  if (typeof type !== "string") return null;
  return TYPES.has(type) ? (parsed as ServerEvent) : { ...(parsed as Wire), type: "UNKNOWN" };
}
