"use client";

import { type FormEvent, useId, useState } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import type { BudgetChange, ScopeSpend } from "@/lib/api";
import { count, money } from "@/lib/format";
import { budgetChange, MEASURES, type Measure } from "@/lib/spend";

interface BudgetFormProps {
  scope: ScopeSpend;
  threadId: string | null;
  busy: boolean;
  /** `null`: nothing is other than it was. */
  onSave: (change: BudgetChange | null) => void;
  onCancel: () => void;
}

const FIELDS: Record<Measure, { label: string; step: string }> = {
  tokens: { label: "Tokens", step: "1" },
  seconds: { label: "Seconds", step: "any" },
  money: { label: "US dollars", step: "any" },
};

/** The limits of one budget. An empty field is no limit. */
export function BudgetForm({ scope, threadId, busy, onSave, onCancel }: BudgetFormProps) {
  const id = useId();
  const [typed, setTyped] = useState<Record<Measure, string>>({
    tokens: text(scope.tokens.limit),
    seconds: text(scope.seconds.limit),
    money: text(scope.money.limit),
  });
  const save = (event: FormEvent): void => {
    event.preventDefault();
    onSave(budgetChange(scope, typed, threadId));
  };
  return (
    <form
      data-slot="budget-form"
      data-escape
      className="space-y-3"
      onSubmit={save}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onCancel();
      }}
    >
      <div className="grid gap-3 sm:grid-cols-3">
        {MEASURES.map((measure, at) => (
          <div key={measure} className="space-y-1">
            <span className="flex items-baseline justify-between gap-2 text-faint-foreground text-xs">
              <label htmlFor={`${id}-${measure}`}>{FIELDS[measure].label}</label>
              {scope.scope === "run" ? null : (
                <span id={`${id}-${measure}-used`} data-slot="used-so-far" className="truncate tabular-nums">
                  used {usedText(measure, scope[measure].used)}
                </span>
              )}
            </span>
            <Input
              autoFocus={at === 0}
              id={`${id}-${measure}`}
              type="number"
              inputMode="decimal"
              min={0}
              aria-describedby={scope.scope === "run" ? undefined : `${id}-${measure}-used`}
              step={FIELDS[measure].step}
              value={typed[measure]}
              placeholder="No limit"
              onChange={(event) => setTyped((before) => ({ ...before, [measure]: event.target.value }))}
              className="tabular-nums"
            />
          </div>
        ))}
      </div>
      <div className="flex gap-2">
        <Button size="sm" variant="primary" type="submit" data-slot="save-budget" disabled={busy}>
          {busy ? "Saving…" : "Save"}
        </Button>
        <Button size="sm" variant="ghost" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

/** In the unit of its field. */
function usedText(measure: Measure, used: number): string {
  if (measure === "money") return money(used);
  return measure === "tokens" ? count(used) : `${count(Math.ceil(used))} s`;
}

function text(limit: number): string {
  return limit > 0 ? String(limit) : "";
}
