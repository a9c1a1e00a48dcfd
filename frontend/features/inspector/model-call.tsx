"use client";

import { PromptBar } from "@/features/inspector/prompt-bar";
import { PromptText } from "@/features/inspector/prompt-text";
import { TrimList } from "@/features/inspector/trim-list";
import { useLens } from "@/features/inspector/use-lens";
import { plural } from "@/lib/format";
import type { MessageState } from "@/lib/message-state";

/** What one model call was given: the window as a bar, what had no room in it, and the prompt word for word. */
export function ModelCall({ message: { start, trims } }: { message: Pick<MessageState, "start" | "trims"> }) {
  const { runId } = useLens();
  const { messageId, attempt, leftOutTurns = 0 } = start;
  return (
    <>
      <PromptBar start={start} />
      {trims.length > 0 ? <TrimList trims={trims} /> : null}
      {leftOutTurns > 0 && trims.length === 0 ? (
        <p className="text-[13px] text-muted-foreground">{plural(leftOutTurns, "older turn")} did not fit.</p>
      ) : null}
      <PromptText key={`${messageId}/${attempt}`} runId={runId} messageId={messageId} />
    </>
  );
}
