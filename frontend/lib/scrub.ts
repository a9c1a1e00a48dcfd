/**
 * A run as it was at a moment: its history folded up to then. Of a message that was open then, the share of its final
 * text is shown that its time had come to. Pure; knows no screen, no clock.
 */

import { codePoints, type MessageState } from "@/lib/message-state";
import type { ServerEvent, TextMessageStart } from "@/lib/protocol";
import { emptyThread, type RunState, reduceAll } from "@/lib/run-state";

/** The times (server ms) at which something happened, each once, in order: where a playhead can step to. */
export function momentsOf(run: RunState): number[] {
  return [...new Set(run.history.map(({ at }) => at))].sort((a, b) => a - b);
}

/** The moment after (`1`) or before (`-1`) `at`; `null` past the ends. */
export function stepFrom(moments: readonly number[], at: number, way: 1 | -1): number | null {
  const found = way === 1 ? moments.find((each) => each > at) : moments.findLast((each) => each < at);
  return found ?? null;
}

/** `run` as it was at `at`; `now` is how far the text of messages that are still open has come. Server ms. */
export function stateAt(run: RunState, at: number, now: number): RunState {
  const events: ServerEvent[] = [];
  const open = new Map<string, TextMessageStart>();
  for (const entry of run.history) {
    if (entry.at > at && entry.seq > 1) break;
    const { event } = entry;
    if (event.type === "TEXT_MESSAGE_START") open.set(event.messageId, event);
    if (event.type === "TEXT_MESSAGE_END") {
      const message = run.messages.get(event.messageId);
      const start = open.get(event.messageId);
      if (message !== undefined && start !== undefined) events.push(...textOf(message, start, 1));
      open.delete(event.messageId);
    }
    if (event.type === "CUSTOM" && event.name === "alma.attempt_failed") open.delete(event.value.messageId);
    events.push(event);
  }
  for (const [id, start] of open) {
    const message = run.messages.get(id);
    if (message !== undefined && message.attempt === start.attempt)
      events.push(...textOf(message, start, shareAt(message, at, now)));
  }
  return reduceAll(emptyThread(""), events, at).runs.get(run.id) ?? run;
}

/** How much of a message's text was there at `at`: none before its first token, all from its end on. */
export function shareAt(message: MessageState, at: number, now: number): number {
  const first = message.startedAt + (message.end?.timing.first_token_ms ?? 0);
  const end = message.endedAt ?? now;
  if (at >= end) return 1;
  return at <= first ? 0 : (at - first) / (end - first);
}

/** The deltas that give `share` of the message: its reasoning first, then its text. */
function textOf(message: MessageState, start: TextMessageStart, share: number): ServerEvent[] {
  const shown = Math.round(share * (message.n + message.reasoningN));
  const reasoning = Math.min(shown, message.reasoningN);
  const { messageId, attempt, runId, threadId, subagentRunId } = start;
  const common = { messageId, attempt, runId, threadId, subagentRunId };
  const events: ServerEvent[] = [];
  if (reasoning > 0)
    events.push({
      ...common,
      type: "REASONING_MESSAGE_CONTENT",
      n: reasoning,
      delta: beginning(message.reasoning, reasoning),
    });
  if (shown > reasoning)
    events.push({
      ...common,
      type: "TEXT_MESSAGE_CONTENT",
      n: shown - reasoning,
      delta: beginning(message.text, shown - reasoning),
    });
  return events;
}

/** The first `count` code points. */
function beginning(text: string, count: number): string {
  if (count >= text.length || codePoints(text) === text.length) return text.slice(0, count);
  return [...text].slice(0, count).join("");
}
