"use client";

import { PromptBar } from "@/features/inspector/prompt-bar";
import { PromptText } from "@/features/inspector/prompt-text";
import { useLens } from "@/features/inspector/use-lens";
import type { TextMessageStart } from "@/lib/protocol";

/** What one model call was given: the window as a bar, and the prompt word for word. */
export function ModelCall({ start }: { start: TextMessageStart }) {
  const { runId } = useLens();
  const { messageId, attempt } = start;
  return (
    <>
      <PromptBar start={start} />
      <PromptText key={`${messageId}/${attempt}`} runId={runId} messageId={messageId} />
    </>
  );
}
