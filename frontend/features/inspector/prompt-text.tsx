"use client";

import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { CopyButton } from "@/components/copy-button";
import { useStore } from "@/hooks/use-store";
import { runRecords } from "@/lib/run-record";

/** The prompt of one model call, word for word, fetched when it is unfolded. */
export function PromptText({ runId, messageId }: { runId: string; messageId: string }) {
  const prompt = useStore(runRecords.of(runId)).prompts.get(messageId);
  const [asked, setAsked] = useState(false);
  return (
    <details
      data-slot="prompt-text"
      className="group/prompt text-[13px]"
      onToggle={(event) => {
        if (!event.currentTarget.open || asked) return;
        setAsked(true);
        void runRecords.loadPrompt(runId, messageId);
      }}
    >
      <summary className="flex w-fit list-none items-center gap-1.5 text-muted-foreground hover:text-foreground [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-3.5 transition-transform group-open/prompt:rotate-90" />
        The exact prompt
      </summary>
      {prompt === undefined ? null : (
        <div className="mt-2 space-y-2">
          {prompt.messages.map((message, at) => (
            <div key={at} className="rounded-lg bg-muted/60">
              <div className="flex items-center justify-between py-0.5 pr-0.5 pl-3 text-faint-foreground text-xs">
                {message.role}
                <CopyButton text={() => message.content} />
              </div>
              <pre className="whitespace-pre-wrap break-words px-3 pb-3 font-mono text-xs leading-5">
                {message.content}
              </pre>
            </div>
          ))}
          <p className="text-faint-foreground text-xs">Prompt version {prompt.promptVersion}</p>
        </div>
      )}
    </details>
  );
}
