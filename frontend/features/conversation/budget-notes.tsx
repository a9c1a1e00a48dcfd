"use client";

import { useEffect } from "react";
import { Button } from "@/components/ui/button";
import { useStore } from "@/hooks/use-store";
import { askLimits, budgetLimits, isRaised } from "@/lib/budget-limits";
import { amount, budgetSentence, lastWords, RAISE } from "@/lib/budget-words";
import { cn } from "@/lib/cn";
import { go } from "@/lib/location";
import { type Budget, MAIN } from "@/lib/protocol";
import type { RunState } from "@/lib/run-state";
import { session } from "@/lib/session";

interface BudgetNotesProps {
  threadId: string;
  run: RunState;
  working: boolean;
}

/** What of the budgets that a person has set is used up, or nearly so, and a way to have more. */
export function BudgetNotes({ threadId, run, working }: BudgetNotesProps) {
  const reached = lastWords([...(run.tasks.get(MAIN)?.budget.reached ?? []), ...run.budgets]);
  const cut = !working && run.message?.end?.finishReason === "budget";
  const known = reached.some(({ warning }) => !warning);
  const limits = useStore(budgetLimits);
  const any = reached.length > 0;
  useEffect(() => {
    if (any) void askLimits(threadId);
  }, [any, threadId]);
  if (!any && !cut) return null;
  return (
    <div data-slot="budget-notes" data-cut={cut || undefined} className="space-y-1.5">
      {cut && !known ? (
        <p className="text-[13px] text-caution">The answer ends here because its budget is used up.</p>
      ) : null}
      {reached.map((budget) => {
        const raised = isRaised(limits, budget, threadId) && ownLimit(run, budget) === 0;
        return (
          <div
            key={`${budget.scope} ${budget.what}`}
            data-slot="budget-note"
            data-scope={budget.scope ?? "task"}
            data-warning={budget.warning || undefined}
            data-raised={raised || undefined}
            role="status"
            className={cn(
              "flex flex-wrap items-center gap-x-3 gap-y-1 border-l-2 py-0.5 pl-4 text-[13px] text-muted-foreground",
              budget.warning || raised ? "border-input" : "border-caution",
              raised && "text-faint-foreground",
            )}
          >
            <span>
              {cut && !budget.warning ? "The answer ends here. " : ""}
              {budgetSentence(budget)}
              {raised ? " It has been raised since." : ""}
            </span>
            {raised ? null : <Raise threadId={threadId} run={run} budget={budget} working={working} />}
          </div>
        );
      })}
    </div>
  );
}

/** What the run was given by hand; 0: nothing. */
function ownLimit(run: RunState, { what, scope = "task" }: Budget): number {
  return scope === "run" && what !== "tool_calls" ? run.limits[what] : 0;
}

/** A budget that the run was given by hand is doubled with the question; others are set where they are kept. */
function Raise({ threadId, run, budget, working }: BudgetNotesProps & { budget: Budget }) {
  const { what, scope = "task", warning = false } = budget;
  if (scope === "task") return null;
  const own = ownLimit(run, budget);
  if (own > 0) {
    if (warning || working || what === "tool_calls") return null;
    const limits = { ...run.limits, [what]: own * 2 };
    return (
      <Button size="sm" data-slot="raise-budget" onClick={() => session.askWithin(threadId, run.id, limits)}>
        Ask again with {amount(what, own * 2)}
      </Button>
    );
  }
  // The refusal offers it already.
  if (!warning && run.error?.code === "budget_spent") return null;
  return (
    <Button size="sm" data-slot="raise-budget" onClick={() => go({ dialog: "spend", part: scope })}>
      {RAISE}
    </Button>
  );
}
