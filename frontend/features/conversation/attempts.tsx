"use client";

import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { useStore } from "@/hooks/use-store";
import { RAISE } from "@/lib/budget-words";
import { failoverWords, isFailover } from "@/lib/failover-words";
import { duration, plural } from "@/lib/format";
import { go } from "@/lib/location";
import { findModel } from "@/lib/model-list";
import type { AttemptFailure } from "@/lib/protocol";
import { isWorking, type RunState } from "@/lib/run-state";
import { session } from "@/lib/session";

/** What went wrong on the way, kindly: tries that failed while there are more, and the end if there was none. */
export function Attempts({ threadId, run }: { threadId: string; run: RunState }) {
  const answer = run.message?.start.messageId;
  const last = run.failures.filter(({ messageId }) => messageId === answer).at(-1);
  if (run.error !== null) {
    const tooLate = run.error.code === "deadline";
    const overBudget = tooLate || run.error.code === "budget_spent";
    const reached = run.budgets.findLast(({ warning }) => !warning)?.scope ?? null;
    const scope = tooLate ? "run" : reached;
    return (
      // How to raise a budget is the button's to say; the hint is for the command line.
      <Problem facts={overBudget ? { ...run.error, hint: undefined } : run.error} data-slot="run-error">
        <Button size="sm" onClick={() => session.retryRun(threadId, run.id)}>
          Try again
        </Button>
        {overBudget ? (
          <Button
            size="sm"
            variant="ghost"
            data-slot="open-budgets"
            onClick={() => go({ dialog: "spend", part: scope })}
          >
            {RAISE}
          </Button>
        ) : (
          <Button size="sm" variant="ghost" onClick={() => go({ dialog: "models" })}>
            Choose another model
          </Button>
        )}
      </Problem>
    );
  }
  const attempt = run.message?.attempt ?? 1;
  if (last !== undefined && isFailover(last)) return <Failover run={run} last={last} />;
  if (isWorking(run) && last !== undefined && last.attempt === attempt) {
    const wait = last.retryInMs ?? 0;
    return (
      <p
        data-slot="attempt-failed"
        role="status"
        className="border-caution border-l-2 pl-4 text-[13px] text-muted-foreground"
      >
        {sentence(last.error.message)} Trying again{wait > 0 ? ` in ${duration(wait)}` : ""} (attempt{" "}
        {attempt + 1}).
      </p>
    );
  }
  if (attempt === 1) return null;
  const why = last === undefined ? "the one before was interrupted." : sentence(last.error.message);
  return (
    <p data-slot="attempts" className="text-faint-foreground text-xs">
      {isWorking(run) ? `Attempt ${attempt}` : `It took ${plural(attempt, "attempt")}`}: {why}
    </p>
  );
}

/** Another endpoint begins the answer anew. */
function Failover({ run, last }: { run: RunState; last: AttemptFailure }) {
  const { list } = useStore(session.models.state);
  const pool = findModel(list, run.message?.start.model);
  const words = failoverWords(last, run.message, pool?.members);
  if (!isWorking(run))
    return (
      <p data-slot="failover" className="text-faint-foreground text-xs">
        {words} {sentence(last.error.message)}
      </p>
    );
  return (
    <p
      data-slot="failover"
      role="status"
      className="border-caution border-l-2 pl-4 text-[13px] text-muted-foreground"
    >
      {words}
    </p>
  );
}

function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
