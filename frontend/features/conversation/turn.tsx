"use client";

import { memo } from "react";
import { lazily } from "@/components/lazily";
import { Answer } from "@/features/conversation/answer";
import { AnswerFooter } from "@/features/conversation/answer-footer";
import { Asks } from "@/features/conversation/asks";
import { Attempts } from "@/features/conversation/attempts";
import { BudgetNotes } from "@/features/conversation/budget-notes";
import { Citations } from "@/features/conversation/citation";
import { MemoryNotes } from "@/features/conversation/memory-notes";
import { PlanLines } from "@/features/conversation/plan-lines";
import { SourceLine } from "@/features/conversation/source-line";
import { ToolLines } from "@/features/conversation/tool-lines";
import { UserText } from "@/features/conversation/user-text";
import { WindowLine } from "@/features/conversation/window-line";
import { useRun, useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { isWorking } from "@/lib/run-state";

const AnswerSaid = lazily(() =>
  import("@/features/conversation/answer-feedback").then((module) => module.AnswerSaid),
);

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
        <PlanLines
          threadId={threadId}
          runId={run.id}
          tasks={run.tasks}
          paused={run.paused}
          fork={run.fork}
          working={working}
        />
        <Asks
          runId={run.id}
          tasks={run.tasks}
          questions={run.questions}
          calls={run.calls}
          working={working}
        />
        <ToolLines tasks={run.tasks} calls={run.calls} />
        <Citations runId={run.id} tasks={run.tasks} recalls={run.recalls}>
          <Answer run={run} working={working} />
        </Citations>
        <Attempts threadId={threadId} run={run} />
        <MemoryNotes mail={run.mail} />
        <BudgetNotes threadId={threadId} run={run} working={working} />
        {!working && run.message !== null ? (
          <WindowLine runId={run.id} start={run.message.start} trims={run.message.trims} />
        ) : null}
        {working ? null : <SourceLine runId={run.id} recalls={run.recalls} />}
        <AnswerFooter threadId={threadId} run={run} working={working} isLast={isLast} />
        {working ? null : <AnswerSaid run={run} />}
      </div>
    </article>
  );
});
