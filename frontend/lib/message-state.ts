/**
 * One message of an agent as far as it has come. Text is exact or flagged: a delta is applied only where it continues
 * what we have, what we have is ignored, and anything else is a gap. Pure.
 */

import {
  type ContextNote,
  MAIN,
  type ReasoningMessageContent,
  type TextMessageContent,
  type TextMessageEnd,
  type TextMessageStart,
} from "@/lib/protocol";

export interface MessageState {
  readonly start: TextMessageStart;
  /** Whose it is. */
  readonly taskId: string;
  /** `answer` is a task's result, `answer.2` goes on after tools, `decide` is whether to plan. */
  readonly step: string;
  readonly attempt: number;
  /** What had no room in its prompt, in the order in which it was taken out. */
  readonly trims: readonly ContextNote[];
  readonly text: string;
  /** What an attempt before this one had written when it broke off. */
  readonly lost: string;
  readonly n: number;
  readonly reasoning: string;
  readonly reasoningN: number;
  /** Pieces the model sent while we watched, and when (our clock, ms), for the live rate. */
  readonly tokens: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** The server's clock, ms. Ended without an `end`: the attempt failed. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly end: TextMessageEnd | null;
}

/** It is being written, as far as we know. */
export function isOpen(message: MessageState): boolean {
  return message.end === null && message.endedAt === null;
}

/** It is the result of its task, or a part of it on the way through tools. */
export function isAnswer(message: MessageState): boolean {
  return message.step === "answer" || message.step.startsWith("answer.");
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

/** `before`: the message as it was, if this is not its first attempt. */
export function openMessage(
  start: TextMessageStart,
  trims: readonly ContextNote[] = [],
  before?: MessageState,
): MessageState {
  return {
    start,
    taskId: start.subagentRunId || MAIN,
    step: start.step ?? "answer",
    attempt: start.attempt,
    trims,
    text: "",
    lost: before === undefined ? "" : before.text || before.lost,
    n: 0,
    reasoning: "",
    reasoningN: 0,
    tokens: 0,
    firstAt: 0,
    lastAt: 0,
    startedAt: start.timestamp ?? 0,
    endedAt: null,
    end: null,
  };
}

/** The message with the delta, the same message if it holds it already, or `gap`. */
export function growMessage(
  message: MessageState | undefined,
  event: TextMessageContent | ReasoningMessageContent,
  now: number,
): MessageState | "gap" {
  if (message === undefined || event.attempt > message.attempt) return "gap";
  if (event.attempt < message.attempt || message.end !== null) return message;
  const isText = event.type === "TEXT_MESSAGE_CONTENT";
  const more = continuation(isText ? message.n : message.reasoningN, event.n, event.delta);
  if (more === null) return "gap";
  if (more === "") return message;
  const clock = {
    tokens: message.tokens + (event.tokens ?? 1),
    firstAt: message.firstAt || now,
    lastAt: now,
  };
  return isText
    ? { ...message, ...clock, text: message.text + more, n: event.n }
    : { ...message, ...clock, reasoning: message.reasoning + more, reasoningN: event.n };
}

export function endMessage(message: MessageState | undefined, end: TextMessageEnd): MessageState | "gap" {
  if (message === undefined || message.attempt !== end.attempt) return "gap";
  if (message.n !== end.n || message.reasoningN !== (end.reasoningN ?? 0)) return "gap";
  return { ...message, end, endedAt: end.timestamp ?? 0 };
}
