"use client";

import { ArrowUp, Square } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { LimitsButton } from "@/features/conversation/composer-limits";
import { ApproveToggle, KindSelect, ModelSelect } from "@/features/conversation/composer-options";
import { ModelNote } from "@/features/conversation/model-note";
import { useNextModel } from "@/hooks/use-next-model";
import { useOnline, useWorkingRun } from "@/hooks/use-session";
import { usePart, useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { composer, draftKey, forgetNewChoice, sent, setDraft } from "@/lib/composer-state";
import { count, plural } from "@/lib/format";
import { codePoints } from "@/lib/message-state";
import { session } from "@/lib/session";

interface ComposerProps {
  threadId: string | null;
  /** The turn that the next one follows. */
  leaf: string | null;
  onSent: () => void;
}

const DEFAULT_LIMIT = 100_000;
/** From this share of the limit on, the count is shown. */
const NEAR_LIMIT = 0.8;
/** From this length on, lines are not wrapped. */
const UNBROKEN = 50_000;

export function Composer({ threadId, leaf, onSent }: ComposerProps) {
  const text = usePart(composer, (state) => state.drafts[draftKey(threadId)] ?? "");
  const { kind, approve, limits, fresh } = useStore(composer);
  const model = useNextModel(threadId);
  const { welcome } = useStore(session.connection.state);
  const unsent = usePart(session.outbox.turns, (turns) =>
    turns.some((turn) => turn.threadId === threadId && (turn.refused === null || turn.retryAt)),
  );
  const online = useOnline();
  const unfinished = useWorkingRun(threadId);
  // Nothing can be stopped while the server is away.
  const working = online ? unfinished : null;
  const field = useRef<HTMLTextAreaElement>(null);
  const limit = welcome?.maxPromptChars ?? DEFAULT_LIMIT;
  const length = text.length > limit * NEAR_LIMIT ? codePoints(text) : text.length;
  const tooLong = length > limit;
  const waitForThread = threadId === null && unsent;
  const canSend = text.trim() !== "" && !tooLong && !waitForThread;

  useEffect(() => (threadId === null ? forgetNewChoice : undefined), [threadId]);

  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) field.current?.focus();
  }, []);

  // The server may read the beginning of the prompt while the rest is typed: it is told where, and of which model.
  useEffect(() => {
    session.preview.typed(text, {
      ...(threadId === null ? {} : { threadId }),
      ...(leaf === null ? {} : { parentRunId: leaf }),
      ...(model === null ? {} : { model }),
      ...(kind === null ? {} : { kind }),
    });
  }, [text, threadId, leaf, model, kind]);

  const send = (): void => {
    if (!canSend) return;
    const after = unsent ? null : leaf;
    session.startRun({ text: text.trim(), kind, model, threadId, after, approve, limits, fresh });
    setDraft(threadId, "");
    sent();
    onSent();
  };
  const pressed = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && working !== null) {
      session.stopRun(working);
    }
  };

  return (
    <div className="mx-auto w-full max-w-[760px] px-3 pb-[max(12px,env(safe-area-inset-bottom))] sm:px-6 sm:pb-5">
      <ModelNote threadId={threadId} />
      <form
        data-slot="composer"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
        className={cn(
          "rounded-2xl border border-input bg-popover transition-[border-color,box-shadow] shadow-black/3 shadow-sm focus-within:border-faint-foreground/55",
          tooLong && "border-destructive focus-within:border-destructive",
        )}
      >
        <textarea
          ref={field}
          id="composer"
          data-slot="composer-text"
          aria-label="Message"
          aria-invalid={tooLong || undefined}
          aria-describedby={tooLong ? "composer-limit" : undefined}
          rows={1}
          value={text}
          placeholder={leaf === null ? "Ask anything" : "Reply"}
          onChange={(event) => {
            event.target.style.whiteSpace = "";
            setDraft(threadId, event.target.value);
          }}
          onKeyDown={pressed}
          onPaste={({ clipboardData, currentTarget }) => {
            // By the time of the change the browser has laid it out.
            if (clipboardData.getData("text").length > UNBROKEN) currentTarget.style.whiteSpace = "pre";
          }}
          className={cn(
            "field-sizing-content block max-h-[38vh] min-h-12 w-full resize-none bg-transparent px-4 pt-3.5 pb-1 text-[15px] leading-6 outline-none placeholder:text-faint-foreground max-sm:text-base",
            // Breaking one word of a hundred thousand letters takes a browser seconds.
            text.length > UNBROKEN && "overflow-x-auto whitespace-pre",
          )}
        />
        {length > limit * NEAR_LIMIT ? (
          <p
            id="composer-limit"
            data-slot="composer-limit"
            role="status"
            className={cn(
              "px-4 pt-1 text-faint-foreground text-xs tabular-nums",
              tooLong && "text-destructive",
            )}
          >
            {tooLong
              ? `${plural(length - limit, "character")} too many: one message holds ${count(limit)}.`
              : `${count(length)} of ${count(limit)} characters`}
          </p>
        ) : null}
        <div className="flex items-center gap-1 p-2 pt-1">
          <KindSelect />
          <ModelSelect threadId={threadId} />
          <ApproveToggle />
          <LimitsButton />
          <div className="ml-auto flex items-center gap-2">
            {working !== null ? (
              <Tooltip label="Stop the answer" shortcut="Esc">
                <Button
                  data-slot="stop"
                  aria-label="Stop the answer"
                  size="icon"
                  variant="outline"
                  className="rounded-full"
                  onClick={() => session.stopRun(working)}
                >
                  <Square aria-hidden className="!size-3 fill-current" />
                </Button>
              </Tooltip>
            ) : null}
            {working === null || text.trim() !== "" ? (
              <Tooltip label={tooLong ? "Too long to send" : "Send"} shortcut="Enter">
                <Button
                  data-slot="send"
                  aria-label="Send"
                  type="submit"
                  size="icon"
                  variant="primary"
                  disabled={!canSend}
                  className="rounded-full"
                >
                  <ArrowUp aria-hidden />
                </Button>
              </Tooltip>
            ) : null}
          </div>
        </div>
      </form>
    </div>
  );
}
