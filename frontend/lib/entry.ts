/**
 * Whether one may come in: why not, and whose things this tab has. Only what must be there from the start; how to sign in
 * is `lib/access-api.ts`. Knows no React.
 */

import type { ErrorFacts } from "@/lib/protocol";
import { writable } from "@/lib/store";

/** Why the server lets this page in no longer, or not yet; `null`: it does. */
export const outside = writable<ErrorFacts | null>(null);

export function keptOutside(facts: ErrorFacts): void {
  if (outside.get() === null) outside.set(facts);
}

const OWNER = "alma.owner";
/** Whose things there are on a server that asks nobody who they are. */
export const LOCAL = "local";

/** Whether what this tab has kept and shows is of this owner. What is of another is forgotten, and the page begins anew. */
export function isOurs(owner: string): boolean {
  let before: string | null = null;
  try {
    before = sessionStorage.getItem(OWNER);
    if (before !== null && before !== owner) sessionStorage.clear();
    sessionStorage.setItem(OWNER, owner);
  } catch {
    // Nothing can be kept, so nothing is.
  }
  if (before === null || before === owner) return true;
  window.location.replace("/");
  return false;
}
