import { factsOf } from "@/lib/api";
import { memoryApi } from "@/lib/memory-api";
import { memoryList } from "@/lib/memory-list";
import { forgottenWords } from "@/lib/memory-words";
import type { ErrorFacts } from "@/lib/protocol";
import { session } from "@/lib/session";

/** What one request takes. */
const AT_ONCE = 500;

interface Done {
  readonly changed: readonly string[];
  /** To which nothing was done, because of the failure. */
  readonly left: readonly string[];
  readonly failure: ErrorFacts | null;
}

async function change(
  act: (ids: readonly string[]) => Promise<{ changed: string[] }>,
  ids: readonly string[],
): Promise<Done> {
  const changed: string[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    try {
      changed.push(...(await act(some)).changed);
    } catch (cause) {
      return { changed, left: ids.slice(at), failure: factsOf(cause) };
    }
    memoryList.heard(some);
  }
  return { changed, left: [], failure: null };
}

/** Forgets all of these, and says how those that it forgot come back. Whether it was done with all. */
export async function forgetMany(ids: readonly string[]): Promise<boolean> {
  const { changed, failure } = await change(memoryApi.forgetMany, ids);
  if (failure !== null) session.notices.error(failure);
  if (failure === null || changed.length > 0) {
    const undo = { label: "Undo", run: () => void restore(changed) };
    session.notices.show(forgottenWords(changed.length, false), {
      action: changed.length === 0 ? null : undo,
    });
  }
  return failure === null;
}

async function restore(ids: readonly string[]): Promise<void> {
  const { left, failure } = await change(memoryApi.restoreMany, ids);
  if (failure === null) return;
  const again = { label: "Try again", run: () => void restore(left) };
  session.notices.show(failure.message, { tone: "error", hint: failure.hint, action: again });
}
