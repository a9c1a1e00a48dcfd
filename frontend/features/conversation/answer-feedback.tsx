"use client";

import { PencilLine, Trophy } from "lucide-react";
import { SaidMore, Thumbs } from "@/components/thumbs";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { useTree } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { feedback } from "@/lib/feedback";
import { newestSignal } from "@/lib/learned-state";
import { MAIN } from "@/lib/protocol";
import type { RunState } from "@/lib/run-state";
import { siblingsOf } from "@/lib/tree";

/** What can be said of an answer: what it is worth, how it should have been, that it is better than the one beside it. */
export function AnswerFeedback({ threadId, run }: { threadId: string; run: RunState }) {
  const { tree } = useTree(threadId);
  const giving = useStore(feedback.of(run.id));
  const { saying } = giving;
  const siblings = siblingsOf(tree, run.id);
  const at = siblings.indexOf(run.id);
  const other = siblings[at - 1] ?? siblings[at + 1];
  const isPreferred = newestSignal(run.signals, "preferred", MAIN, saying) !== null;
  const isEdited = newestSignal(run.signals, "edited", MAIN, saying) !== null;
  return (
    <>
      <Thumbs runId={run.id} signals={run.signals} seq={run.seq} giving={giving} />
      {other === undefined ? null : (
        <Tooltip label={isPreferred ? "You prefer this answer" : "Prefer this answer to the other"}>
          <Button
            variant="ghost"
            size="icon-sm"
            aria-label="Prefer this answer"
            aria-pressed={isPreferred}
            data-slot="prefer"
            onClick={() => void feedback.give(run.id, MAIN, { signal: "preferred", other }, run.seq)}
          >
            <Trophy aria-hidden className={cn(isPreferred && "fill-current text-foreground")} />
          </Button>
        </Tooltip>
      )}
      <Tooltip label={isEdited ? "You said how it should have been" : "Say how it should have been"}>
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label="Say how it should have been"
          aria-pressed={isEdited}
          data-slot="edit-answer-open"
          onClick={() => feedback.open(run.id, MAIN, "edit")}
        >
          <PencilLine aria-hidden className={cn(isEdited && "text-foreground")} />
        </Button>
      </Tooltip>
    </>
  );
}

/** Under the answer, where there is more to be said; and why it was good or bad, once that was said. */
export function AnswerSaid({ run }: { run: RunState }) {
  const giving = useStore(feedback.of(run.id));
  const answer = run.message?.text ?? "";
  const thumb = newestSignal(run.signals, "thumb", MAIN, giving.saying);
  return (
    <>
      <SaidMore runId={run.id} signals={run.signals} seq={run.seq} answer={answer} giving={giving} />
      {thumb?.reason && giving.open === null ? (
        <p role="status" data-slot="said-reason" className="break-words text-muted-foreground text-xs">
          You said: {thumb.reason}
        </p>
      ) : null}
    </>
  );
}

/** A courtesy, of which nobody hears when it fails. */
export const copied = (runId: string): void => feedback.copied(runId);
