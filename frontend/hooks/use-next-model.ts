import { usePart } from "@/hooks/use-store";
import { composer, draftKey, nextModel } from "@/lib/composer-state";
import { findModel } from "@/lib/model-list";
import { session } from "@/lib/session";

export function newestRun(threadId: string | null): string | null {
  return threadId === null ? null : (session.thread(threadId).get().tree.order.at(-1) ?? null);
}

/** The model that the next turn of a thread asks for; `null` is the default, also where that model is gone. */
export function useNextModel(threadId: string | null): string | null {
  const choice = usePart(composer, (state) => state.choices[draftKey(threadId)]);
  const newest = usePart(session.thread(threadId ?? ""), (thread) => thread.tree.order.at(-1) ?? null);
  const asked = usePart(
    session.thread(threadId ?? ""),
    (thread) => thread.runs.get(newest ?? "")?.asked.model ?? null,
  );
  const model = nextModel(choice, newest === null ? null : { id: newest, model: asked });
  return usePart(session.models.state, ({ list }) =>
    list === null || findModel(list, model) !== undefined ? model : null,
  );
}
