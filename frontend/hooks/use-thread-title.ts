import { useEffect } from "react";
import { usePart } from "@/hooks/use-store";
import { session } from "@/lib/session";

/** Asked for once; a chat that is gone has no title, and is not asked for again. */
const asked = new Set<string>();

/** The title of a chat; learnt when the list of chats does not have it. Empty id: none. */
export function useThreadTitle(threadId: string): string | undefined {
  const title = usePart(session.threadList.titles, (titles) => titles.get(threadId));
  useEffect(() => {
    if (threadId === "" || title !== undefined || asked.has(threadId)) return;
    asked.add(threadId);
    void session.threadList.learnTitle(threadId);
  }, [threadId, title]);
  return title;
}
