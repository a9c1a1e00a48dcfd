"use client";

import { useEffect, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { DayChart } from "@/features/spend/day-chart";
import { ModelTable } from "@/features/spend/model-table";
import { ScopeBudget } from "@/features/spend/scope-budget";
import { useView, useWorkingRun } from "@/hooks/use-session";
import { api, factsOf, type Spend } from "@/lib/api";
import { learnLimits } from "@/lib/budget-limits";
import { go } from "@/lib/location";
import type { ErrorFacts } from "@/lib/protocol";
import { inOrder } from "@/lib/spend";

/** What the models have used, of what they may, and where it went. */
export function SpendDialog() {
  const { dialog } = useView();
  return (
    <Dialog
      open={dialog === "spend"}
      onOpenChange={(open) => go({ dialog: open ? "spend" : null }, "replace")}
    >
      <DialogContent
        data-slot="spend-dialog"
        title="Spend and budgets"
        description="What the models have used, and how far they may go."
        className="sm:w-[min(720px,calc(100vw-32px))]"
      >
        <Body />
      </DialogContent>
    </Dialog>
  );
}

function Body() {
  const { thread, part } = useView();
  const working = useWorkingRun(thread);
  const [spend, setSpend] = useState<Spend | null>(null);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  const [asked, setAsked] = useState(0);
  // Asked anew when a run begins or ends, which is when it changes most. `asked`: how often a person wanted it again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `working` and `asked` are when, not what
  useEffect(() => {
    let wanted = true;
    api.spend(thread).then(
      (found) => {
        if (!wanted) return;
        setSpend(found);
        learnLimits(found, thread);
        setProblem(null);
      },
      (cause: unknown) => {
        if (wanted) setProblem(factsOf(cause));
      },
    );
    return () => {
      wanted = false;
    };
  }, [thread, working, asked]);
  return (
    <div
      tabIndex={0}
      role="region"
      aria-label="Spend and budgets"
      className="min-h-0 flex-1 space-y-7 overflow-y-auto border-t px-5 py-4 text-[13px] outline-none sm:min-h-96"
    >
      {problem === null ? null : (
        <Problem facts={problem}>
          <Button size="sm" onClick={() => setAsked(asked + 1)}>
            Try again
          </Button>
        </Problem>
      )}
      {spend === null ? (
        problem === null ? (
          <p className="text-faint-foreground">Loading…</p>
        ) : null
      ) : (
        <>
          <section aria-label="Budgets" className="divide-y border-b">
            {inOrder(spend.scopes).map((scope) => (
              <ScopeBudget
                key={scope.scope}
                scope={scope}
                warnAt={spend.warnAt}
                threadId={thread}
                opened={part === scope.scope}
                onChanged={(changed) => {
                  setSpend(changed);
                  learnLimits(changed, thread);
                }}
              />
            ))}
          </section>
          <DayChart days={spend.days} />
          <ModelTable models={spend.models} />
        </>
      )}
    </div>
  );
}
