/** The figures of a task at a moment, and its words. Pure. */

import { isAnswer, isOpen, type MessageState } from "@/lib/message-state";
import type { RunState } from "@/lib/run-state";
import type { TaskState } from "@/lib/task-state";
import { elapsedMs } from "@/lib/task-words";

export interface TaskFigures {
  /** From its beginning to its end, or to the moment; 0 before. */
  readonly ms: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Ms from the call to the first token of its first answered model call; `null` before. */
  readonly firstTokenMs: number | null;
}

/** Endpoints tell of tokens at the end of a message; until then its pieces are counted. */
export function figuresOf(run: RunState, task: TaskState, now: number): TaskFigures {
  let [tokensIn, tokensOut] = [0, 0];
  let firstTokenMs: number | null = null;
  for (const id of task.messages) {
    const message = run.messages.get(id);
    if (message === undefined) continue;
    if (message.end === null) {
      tokensIn += promptTokens(message);
      tokensOut += writtenTokens(message);
      continue;
    }
    tokensIn += message.end.usage.input_tokens ?? 0;
    tokensOut += message.end.usage.output_tokens ?? 0;
    firstTokenMs ??= message.end.timing.first_token_ms ?? null;
  }
  return { ms: elapsedMs(task, now) ?? 0, tokensIn, tokensOut, firstTokenMs };
}

export function promptTokens({ start }: MessageState): number {
  return start.sections.reduce((sum, section) => sum + section.tokens, 0);
}

const POINTS_PER_TOKEN = 4;

/** Pieces that came while we watched; of text that came at once, an estimate by its length. */
function writtenTokens({ tokens, n, reasoningN }: MessageState): number {
  const points = n + reasoningN;
  return points > tokens * 4 * POINTS_PER_TOKEN ? Math.ceil(points / POINTS_PER_TOKEN) : tokens;
}

/** What the task has to show, 0 to 1: of its budget while it works, everything when it is done. */
export function shareDone(task: TaskState, { tokensOut, ms }: TaskFigures): number {
  if (task.status === "completed") return 1;
  if (task.startedAt === null) return 0;
  const { budget } = task;
  const ofTokens = budget.tokens > 0 ? tokensOut / budget.tokens : 1 - Math.exp(-tokensOut / 160);
  const ofTime = budget.seconds > 0 ? ms / 1000 / budget.seconds : 0;
  return Math.min(0.96, Math.max(ofTokens, ofTime));
}

/** The messages of a task that exist at the moment, in their order. */
export function messagesOf(run: RunState, task: TaskState): MessageState[] {
  return task.messages.flatMap((id) => run.messages.get(id) ?? []);
}

/** What the task has written as its result so far. */
export function resultOf(run: RunState, task: TaskState): string {
  if (task.result !== "") return task.result;
  if (task.resultMessage !== null) return run.messages.get(task.resultMessage)?.text ?? "";
  return messagesOf(run, task).findLast(isAnswer)?.text ?? "";
}

export function isWriting(run: RunState, task: TaskState): boolean {
  return messagesOf(run, task).some(isOpen);
}

/** `answer` needs no word; `decide` and `answer.2` do. */
export function stepWord(step: string): string | null {
  if (step === "answer") return null;
  if (step === "decide") return "deciding whether to plan";
  const after = /^answer\.(\d+)$/.exec(step)?.[1];
  return after === undefined ? step : `going on, part ${after}`;
}
