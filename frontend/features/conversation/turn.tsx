"use client";

import { memo } from "react";
import { Answer } from "@/features/conversation/answer";
import { AnswerFooter } from "@/features/conversation/answer-footer";
import { Attempts } from "@/features/conversation/attempts";
import { UserText } from "@/features/conversation/user-text";
import { useRun, useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { isWorking } from "@/lib/run-state";

interface TurnProps {
  threadId: string;
  runId: string;
  isLast: boolean;
}

/** One turn: what was asked, the answer to it, and how it went. Only the turn that changes is rendered. */
export const Turn = memo(function Turn({ threadId, runId, isLast }: TurnProps) {
  const run = useRun(threadId, runId);
  const { inspect, run: chosen } = useView();
  if (run === undefined) return null;
  const working = isWorking(run);
  return (
    <article
      data-slot="turn"
      data-run={run.id}
      data-status={run.status}
      aria-labelledby={`asked-${run.id}`}
      className={cn(
        "group/turn relative -mx-4 space-y-2 px-4",
        // Turns far above the end are laid out and painted only when they come into sight.
        !isLast && !working && "[contain-intrinsic-size:auto_480px] [content-visibility:auto]",
        inspect &&
          (chosen === run.id || (chosen === null && isLast)) &&
          "before:absolute before:inset-y-0 before:left-1 before:w-0.5 before:rounded-full before:bg-primary sm:before:left-0",
      )}
    >
      <h2 id={`asked-${run.id}`} className="sr-only">
        {run.text.slice(0, 80)}
      </h2>
      <UserText threadId={threadId} run={run} />
      <div className="space-y-3">
        <Answer run={run} working={working} />
        <Attempts threadId={threadId} run={run} />
        <AnswerFooter threadId={threadId} run={run} working={working} isLast={isLast} />
      </div>
    </article>
  );
});
