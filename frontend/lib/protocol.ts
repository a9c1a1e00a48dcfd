/**
 * The wire, as types: the server's Structs, generated from its OpenAPI document under their own names (`npm run gen`),
 * and what a generator cannot know: which payload belongs to which name of a `CUSTOM` event. Fields at their default
 * are left out on the wire, hence optional.
 */

import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];

export const PROTOCOL = 1;

export type Kind = Schemas["Route"]["kind"];
export const KINDS: readonly Kind[] = ["chat", "creative", "analytical"];
export type RunStatus = Schemas["RunFinishedEvent"]["status"];
export type TaskStatus = Schemas["SubagentFinished"]["status"];
export type MessageKind = Schemas["Message"]["kind"];

/** The run's own task. Events of others name theirs in `subagentRunId`. */
export const MAIN = "main";

// Frozen data of the journal (snake_case).
export type Sampling = Schemas["Sampling"];
export type Neighbour = Schemas["Neighbour"];
export type Section = Schemas["Section"];
export type Usage = Schemas["Usage"];
export type Timing = Schemas["Timing"];
export type Tried = Schemas["Tried"];
export type CacheHit = Schemas["CacheHit"];
/** What went wrong. `limit`: the limit that was met, where it is worth while again later. */
export type ErrorFacts = Schemas["ErrorFacts"] & { limit?: LimitFacts | null };
export type LimitFacts = Schemas["LimitFacts"];
export type Fork = Schemas["Fork"];
export type PlanTask = Schemas["PlanTask"];
export type Plan = Schemas["Plan"];

// Events of a run.
export type RunStartedEvent = Schemas["RunStartedEvent"];
export type TextMessageStart = Schemas["TextMessageStart"];
export type TextMessageContent = Schemas["TextMessageContent"];
export type ReasoningMessageContent = Schemas["ReasoningMessageContent"];
export type TextMessageEnd = Schemas["TextMessageEnd"];
export type SubagentStarted = Schemas["SubagentStarted"];
export type SubagentFinished = Schemas["SubagentFinished"];
export type SubagentError = Schemas["SubagentError"];
export type ToolCallStart = Schemas["ToolCallStart"];
export type ToolCallResult = Schemas["ToolCallResult"];
export type RunFinishedEvent = Schemas["RunFinishedEvent"];
export type RunErrorEvent = Schemas["RunErrorEvent"];

// Payloads of CUSTOM events.
export type Route = Schemas["Route"];
export type RouteCorrection = Schemas["RouteCorrection"];
export type AttemptFailure = Schemas["AttemptFailure"];
export type ContextNote = Schemas["ContextNote"];
export type Recall = Schemas["Recall"];
export type RecalledMemory = Schemas["RecalledMemory"];
export type PassedOver = Schemas["PassedOver"];
export type Choices = Schemas["Choices"];
export type Lessons = Schemas["Lessons"];
export type Signal = Schemas["Signal"];
export type Stopping = Schemas["Stopping"];
export type Pausing = Schemas["Pausing"];
export type Resuming = Schemas["Resuming"];
export type PlanEvent = Schemas["PlanEvent"];
export type PlanDecision = Schemas["PlanDecision"];
export type PlanAmendment = Schemas["PlanAmendment"];
export type Reused = Schemas["Reused"];
export type Budget = Schemas["Budget"];
export type ToolDecision = Schemas["ToolDecision"];
export type Question = Schemas["Question"];
export type QuestionReply = Schemas["QuestionReply"];
export type Message = Schemas["Message"];
export type Board = Schemas["Board"];
export type Welcome = Schemas["Welcome"];
export type Ack = Schemas["Ack"];
export type CommandError = Schemas["CommandError"];
export type Live = Schemas["Live"];
export type Preview = Schemas["Preview"];
export type ThreadSummary = Schemas["ThreadSummary"];
export type ModelsChanged = Schemas["ModelsChanged"];
export type EndpointsNow = Schemas["EndpointsNow"];
export type EndpointHealth = Schemas["EndpointHealth"];
export type PullProgress = Schemas["PullProgress"];
export type MemoriesChanged = Schemas["MemoriesChanged"];
export type DocumentProgress = Schemas["DocumentProgress"];
export type FiringAlert = Schemas["FiringAlert"];
export type AlertsNow = Schemas["AlertsNow"];
export type MetricsNow = Schemas["MetricsNow"];
export type Notice = Schemas["Notice"];
export type Heartbeat = Schemas["Heartbeat"];

/** What every event may carry. */
type Wire = Partial<Pick<RunStartedEvent, "timestamp" | "threadId" | "runId" | "seq" | "subagentRunId">>;

interface CustomPayloads {
  "alma.route": Route;
  "alma.route_corrected": RouteCorrection;
  "alma.context": ContextNote;
  "alma.recalled": Recall;
  "alma.choices": Choices;
  "alma.lessons": Lessons;
  "alma.signal": Signal;
  "alma.attempt_failed": AttemptFailure;
  "alma.stop_requested": Stopping;
  "alma.paused": Pausing;
  "alma.resumed": Resuming;
  "alma.plan": PlanEvent;
  "alma.plan_decided": PlanDecision;
  "alma.plan_amended": PlanAmendment;
  "alma.task_reused": Reused;
  "alma.budget": Budget;
  "alma.tool_decided": ToolDecision;
  "alma.question": Question;
  "alma.question_answered": QuestionReply;
  "alma.message": Message;
  "alma.board": Board;
  "alma.welcome": Welcome;
  "alma.ack": Ack;
  "alma.error": CommandError;
  "alma.live": Live;
  "alma.route_preview": Preview;
  "alma.thread": ThreadSummary;
  "alma.models": ModelsChanged;
  "alma.endpoints": EndpointsNow;
  "alma.pull": PullProgress;
  "alma.memories": MemoriesChanged;
  "alma.document": DocumentProgress;
  "alma.alerts": AlertsNow;
  "alma.metrics": MetricsNow;
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
  | SubagentStarted
  | SubagentFinished
  | SubagentError
  | ToolCallStart
  | ToolCallResult
  | RunFinishedEvent
  | RunErrorEvent
  | Custom;

// Commands.
export type RunCursor = Schemas["RunCursor"];
export type Cursors = Record<string, RunCursor>;

/** A command before the connection gives it an `id`. */
type Unsent<Sent> = Omit<Sent, "id">;
export type StartRun = Unsent<Schemas["StartRun"]>;
export type RetryRun = Unsent<Schemas["RetryRun"]>;
export type ForkRun = Unsent<Schemas["ForkRun"]>;
export type StopRun = Unsent<Schemas["StopRun"]>;
export type PauseRun = Unsent<Schemas["PauseRun"]>;
export type ResumeRun = Unsent<Schemas["ResumeRun"]>;
export type DecidePlan = Unsent<Schemas["DecidePlan"]>;
export type DecideTool = Unsent<Schemas["DecideTool"]>;
export type AnswerQuestion = Unsent<Schemas["AnswerQuestion"]>;
export type CorrectRoute = Unsent<Schemas["CorrectRoute"]>;
export type PreviewRoute = Unsent<Schemas["PreviewRoute"]>;
export type Subscribe = Unsent<Schemas["Subscribe"]>;
export type Unsubscribe = Unsent<Schemas["Unsubscribe"]>;
export type WatchMetrics = Unsent<Schemas["WatchMetrics"]>;
export type UnwatchMetrics = Unsent<Schemas["UnwatchMetrics"]>;
export type Ping = Unsent<Schemas["Ping"]>;
export type Command =
  | StartRun
  | RetryRun
  | ForkRun
  | StopRun
  | PauseRun
  | ResumeRun
  | DecidePlan
  | DecideTool
  | AnswerQuestion
  | CorrectRoute
  | PreviewRoute
  | Subscribe
  | Unsubscribe
  | WatchMetrics
  | UnwatchMetrics
  | Ping;

const TYPES = new Set<string>([
  "RUN_STARTED",
  "TEXT_MESSAGE_START",
  "TEXT_MESSAGE_CONTENT",
  "REASONING_MESSAGE_CONTENT",
  "TEXT_MESSAGE_END",
  "SUBAGENT_STARTED",
  "SUBAGENT_FINISHED",
  "SUBAGENT_ERROR",
  "TOOL_CALL_START",
  "TOOL_CALL_RESULT",
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
