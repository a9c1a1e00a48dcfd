"use client";

import { useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { BudgetForm } from "@/features/spend/budget-form";
import { api, factsOf, type ScopeSpend, type Spend, type UsedOf } from "@/lib/api";
import type { SpendScope } from "@/lib/budget-words";
import { cn } from "@/lib/cn";
import { percent } from "@/lib/format";
import type { ErrorFacts } from "@/lib/protocol";
import { MEASURES, type Measure, SCOPE_HINTS, SCOPE_NAMES, usedShare, usedWords } from "@/lib/spend";

interface ScopeBudgetProps {
  scope: ScopeSpend;
  /** The share of a limit from which on it warns. */
  warnAt: number;
  threadId: string | null;
  /** Its form is open from the start. */
  opened: boolean;
  onChanged: (spend: Spend) => void;
}

const NAMES: Record<Measure, string> = { tokens: "Tokens", seconds: "Time", money: "Money" };

/** One budget: used, of what may be, and how to change it. */
export function ScopeBudget({ scope, warnAt, threadId, opened, onChanged }: ScopeBudgetProps) {
  const [editing, setEditing] = useState(opened);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  const name = SCOPE_NAMES[scope.scope];
  const save = async (change: Parameters<typeof api.setBudget>[0]): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await api.setBudget(change);
      // The reply to a change knows no thread; what is shown here is of one.
      onChanged(await api.spend(threadId));
      setEditing(false);
    } catch (cause) {
      setProblem(factsOf(cause));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section
      data-slot="scope"
      data-scope={scope.scope}
      aria-label={name}
      className="space-y-2 py-3 first:pt-0"
    >
      <div className="flex items-center justify-between gap-3">
        <h3 className="font-medium">{name}</h3>
        {editing ? null : (
          <Button
            size="sm"
            variant="ghost"
            data-slot="edit-budget"
            className="-mr-2"
            onClick={() => setEditing(true)}
          >
            {hasLimit(scope) ? "Change" : "Set a limit"}
            <span className="sr-only">: {name}</span>
          </Button>
        )}
      </div>
      {editing ? (
        <>
          <p className="text-muted-foreground">{SCOPE_HINTS[scope.scope]}</p>
          <BudgetForm
            scope={scope}
            threadId={threadId}
            busy={busy}
            onSave={(change) => (change === null ? setEditing(false) : void save(change))}
            onCancel={() => setEditing(false)}
          />
        </>
      ) : (
        <dl className="grid gap-x-6 gap-y-2.5 tabular-nums sm:grid-cols-3">
          {MEASURES.map((measure) => (
            <Used key={measure} measure={measure} of={scope[measure]} scope={scope.scope} warnAt={warnAt} />
          ))}
        </dl>
      )}
      {problem === null ? null : <Problem facts={problem} />}
    </section>
  );
}

function hasLimit(scope: ScopeSpend): boolean {
  return MEASURES.some((measure) => scope[measure].limit > 0);
}

interface UsedProps {
  measure: Measure;
  of: UsedOf;
  scope: SpendScope;
  warnAt: number;
}

function Used({ measure, of, scope, warnAt }: UsedProps) {
  const share = scope === "run" ? null : usedShare(of, warnAt);
  const words = usedWords(measure, of, scope);
  return (
    <div data-slot="used" data-measure={measure} data-tone={share?.tone} className="min-w-0">
      <dt className="text-faint-foreground text-xs">{NAMES[measure]}</dt>
      <dd className="min-w-0 space-y-1.5">
        <span className="flex items-baseline justify-between gap-2">
          <span className="truncate">{words}</span>
          {share === null ? null : (
            <span
              className={cn(
                "text-faint-foreground text-xs",
                share.tone === "warned" && "text-caution",
                share.tone === "spent" && "text-destructive",
              )}
            >
              {share.tone === "spent" ? "used up" : percent(share.share)}
            </span>
          )}
        </span>
        {share === null ? null : (
          <span
            role="meter"
            aria-label={NAMES[measure]}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(share.share * 100)}
            aria-valuetext={words}
            className="relative block h-1.5 overflow-hidden rounded-full bg-accent"
          >
            <span
              className={cn(
                "block h-full rounded-full bg-primary",
                share.tone === "warned" && "bg-caution",
                share.tone === "spent" && "bg-destructive",
              )}
              style={{ width: `${share.share * 100}%` }}
            />
            {warnAt > 0 && warnAt < 1 ? (
              <span
                aria-hidden
                className="absolute inset-y-0 w-px bg-foreground/50"
                style={{ left: `${warnAt * 100}%` }}
              />
            ) : null}
          </span>
        )}
      </dd>
    </div>
  );
}
