import { factsOf } from "@/lib/api";
import { memoryApi } from "@/lib/memory-api";
import { memoryList } from "@/lib/memory-list";
import { forgottenWords } from "@/lib/memory-words";
import { session } from "@/lib/session";

/** What one request takes. */
const AT_ONCE = 500;

async function change(
  act: (ids: readonly string[]) => Promise<{ changed: string[] }>,
  ids: readonly string[],
): Promise<string[]> {
  const changed: string[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE)
    changed.push(...(await act(ids.slice(at, at + AT_ONCE))).changed);
  memoryList.heard(ids);
  return changed;
}

/** Forgets all of these, and says how all of them come back. Whether it was done. */
export async function forgetMany(ids: readonly string[]): Promise<boolean> {
  try {
    const changed = await change(memoryApi.forgetMany, ids);
    const run = (): void =>
      void change(memoryApi.restoreMany, changed).catch((cause: unknown) =>
        session.notices.error(factsOf(cause)),
      );
    session.notices.show(forgottenWords(changed.length, false), {
      action: changed.length === 0 ? null : { label: "Undo", run },
    });
    return true;
  } catch (cause) {
    session.notices.error(factsOf(cause));
    return false;
  }
}
