/** An endpoint that broke off while another could go on, in words. Pure. */

import type { MessageState } from "@/lib/message-state";
import { POOL } from "@/lib/model-list";
import type { AttemptFailure, Tried } from "@/lib/protocol";

/** Another endpoint takes over at once, with a new attempt. */
export function isFailover({ others = 0 }: AttemptFailure): boolean {
  return others > 0;
}

/** Who writes, or wrote, the message; `null` while only its pool is known. */
export function writerOf(message: MessageState): string | null {
  const named = message.end?.endpoint || message.start.endpoint;
  return named === "" || named.split("/")[0] === POOL ? null : named;
}

/**
 * “groq broke off; openrouter begins the answer anew.” `next`: the message as it went on, once it did; `members`: of the pool, since who
 * goes on is told only at the end, and is clear before where there is but one other.
 */
export function failoverWords(
  failure: AttemptFailure,
  next: MessageState | null,
  members: readonly string[] = [],
): string {
  const who = failure.endpoint || "The endpoint";
  const began = next !== null && next.attempt > failure.attempt;
  const others = members.filter((name) => name !== failure.endpoint);
  const told = began ? writerOf(next) : null;
  const writer = told ?? (others.length === 1 ? (others[0] ?? null) : null);
  const other = writer === null || writer === failure.endpoint ? "another one" : writer;
  const isOver = began && next.end !== null;
  return `${who} broke off; ${other} ${isOver ? "began" : "begins"} the answer anew.`;
}

const TRIED: Readonly<Record<string, string>> = {
  slower: "was slower",
  endpoint_rate_limited: "was busy",
  endpoint_unreachable: "was not there",
  endpoint_timeout: "took too long",
  endpoint_unauthorized: "refused the key",
};

/** Who was asked before the one who answered: “groq was busy”. */
export function triedWords(tried: readonly Tried[]): string | null {
  if (tried.length === 0) return null;
  return tried.map(({ endpoint, code }) => `${endpoint} ${TRIED[code] ?? `failed (${code})`}`).join(", ");
}
