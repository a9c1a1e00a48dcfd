/** Limits of the server that were met: what was too much is sent again by itself. Knows no React. */

import type { ErrorFacts } from "@/lib/protocol";
import { writable } from "@/lib/store";

const LEAST_MS = 1_000;
/** Longer than this nobody waits for a list. */
const PATIENCE_MS = 60_000;

/** After how long (ms) it is worth while again; 0: it was not refused for a limit. */
export function waitMs({ limit }: ErrorFacts): number {
  return limit ? Math.max(LEAST_MS, Math.ceil(limit.retryAfterS * 1000)) : 0;
}

/** `again in 3 s`, `again in 12 min` */
export function againIn(wait: number): string {
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  return `again in ${seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`}`;
}

export function againWords(wait: number): string {
  return `Sent too fast for this server: ${againIn(wait)}`;
}

/** Until when (our clock, ms) what was asked for waits; 0: nothing does. */
export const heldUntil = writable(0);

/** Waits as long as the server wants it, and lets the page say so. False: that is not why it was refused, or too long. */
export async function heldBack(facts: ErrorFacts): Promise<boolean> {
  const wait = waitMs(facts);
  if (wait === 0 || wait > PATIENCE_MS) return false;
  const until = Date.now() + wait;
  heldUntil.update((before) => Math.max(before, until));
  await new Promise((resolve) => setTimeout(resolve, wait));
  if (heldUntil.get() <= until) heldUntil.set(0);
  return true;
}
