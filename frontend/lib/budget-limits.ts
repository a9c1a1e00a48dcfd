/** The limits of budgets as they are now, as far as the page has heard of them. Knows no React. */

import { api, type ScopeSpend, type Spend } from "@/lib/api";
import type { Budget } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";

type Limits = ReadonlyMap<string, ScopeSpend>;

const store = writable<Limits>(new Map());
export const budgetLimits: Readable<Limits> = store;
const asked = new Set<string>();

function keyOf(scope: string, threadId: string | null): string {
  return scope === "thread" ? `thread ${threadId}` : scope;
}

/** What the server said of the budgets, with those of a thread. */
export function learnLimits(spend: Spend, threadId: string | null): void {
  store.set(
    new Map([...store.get(), ...spend.scopes.map((scope) => [keyOf(scope.scope, threadId), scope] as const)]),
  );
}

/** Asks once for each thread; what changes in the page is told by `learnLimits`. */
export async function askLimits(threadId: string): Promise<void> {
  if (asked.has(threadId)) return;
  asked.add(threadId);
  try {
    learnLimits(await api.spend(threadId), threadId);
  } catch {
    // Not known is no harm: the note then says what it said.
    asked.delete(threadId);
  }
}

/** The budget has had a higher limit, or none, since it was reached. */
export function isRaised(limits: Limits, budget: Budget, threadId: string): boolean {
  const { scope = "task", what, limit } = budget;
  if (what === "tool_calls") return false;
  const now = limits.get(keyOf(scope, threadId))?.[what].limit;
  return now !== undefined && (now === 0 || now > limit);
}
