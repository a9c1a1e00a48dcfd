"use client";

import { type ReactNode, useId, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { SignalWeights } from "@/features/learning/records/signal-weights";
import { factsOf } from "@/lib/api";
import { changeOf, draftOf, isChanged, type PreferenceDraft, problemsOf } from "@/lib/preference-draft";
import type { ErrorFacts } from "@/lib/protocol";
import { preferences, records, why } from "@/lib/records";
import { type Preferences, recordsApi } from "@/lib/records-api";

/** On or off, how much is tried out, what time and money are worth, and how much each signal says. */
export function PreferenceForm({ now, onDone }: { now: Preferences; onDone: () => void }) {
  const [draft, setDraft] = useState<PreferenceDraft>(() => draftOf(now));
  const [failure, setFailure] = useState<ErrorFacts | null>(null);
  const [isSaving, setSaving] = useState(false);
  const change = (news: Partial<PreferenceDraft>): void => setDraft({ ...draft, ...news });
  const problems = problemsOf(draft);
  const isWrong = Object.keys(problems).length > 0;
  const save = async (): Promise<void> => {
    setSaving(true);
    try {
      preferences.set(await recordsApi.change(changeOf(draft, now)));
      void records.load();
      void why.load();
      onDone();
    } catch (cause) {
      setFailure(factsOf(cause));
      setSaving(false);
    }
  };
  return (
    <form
      data-slot="preference-form"
      className="space-y-5 border-l-2 py-1 pl-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isWrong) void save();
      }}
    >
      <label className="flex items-start gap-2.5 text-[13px]">
        <input
          type="checkbox"
          data-slot="learning-on"
          className="mt-0.5 size-4 accent-primary"
          checked={draft.on}
          onChange={({ target }) => change({ on: target.checked })}
        />
        <span>
          Let learning choose and tell
          <span className="block text-muted-foreground text-xs">
            Off, answers come as if nothing had been learned. Records are kept all the same.
          </span>
        </span>
      </label>
      <div className="grid gap-x-6 gap-y-4 sm:grid-cols-3">
        <Figure
          label="Try out, % of tasks"
          slot="exploration"
          value={draft.exploration}
          placeholder={now.ownExploration === null ? String(100 * now.exploration) : "as usual"}
          help="Done otherwise than is believed best, to find out more. 0: nothing is tried out."
          problem={problems.exploration}
          onChange={(exploration) => change({ exploration })}
        />
        <Figure
          label="What time is worth"
          slot="time"
          value={draft.time}
          help="What a way loses, of a reward from 0 to 1, that takes twice as long as the quickest."
          problem={problems.time}
          onChange={(time) => change({ time })}
        />
        <Figure
          label="What money is worth"
          slot="money"
          value={draft.money}
          help="What a way loses that costs twice as much as the cheapest."
          problem={problems.money}
          onChange={(money) => change({ money })}
        />
      </div>
      <SignalWeights
        rows={now.signals}
        weights={draft.weights}
        problems={problems}
        onChange={(name, weight) => change({ weights: { ...draft.weights, [name]: weight } })}
      />
      {failure === null ? null : <Problem facts={failure} />}
      <div className="flex flex-wrap items-center gap-2">
        <Button
          type="submit"
          variant="primary"
          data-slot="save-preferences"
          disabled={isSaving || isWrong || !isChanged(draft, now)}
        >
          Save
        </Button>
        <Button variant="ghost" onClick={onDone}>
          Cancel
        </Button>
        <span className="text-muted-foreground text-xs">New weights hold for all that was ever said.</span>
      </div>
    </form>
  );
}

interface FigureProps {
  label: string;
  slot: string;
  value: string;
  placeholder?: string;
  help: ReactNode;
  problem: string | undefined;
  onChange: (value: string) => void;
}

function Figure({ label, slot, value, placeholder, help, problem, onChange }: FigureProps) {
  const id = useId();
  return (
    <div className="space-y-1">
      <label htmlFor={id} className="block text-[13px]">
        {label}
      </label>
      <Input
        id={id}
        data-slot={`preference-${slot}`}
        inputMode="decimal"
        value={value}
        placeholder={placeholder}
        aria-invalid={problem !== undefined}
        aria-describedby={`${id}-help`}
        onChange={({ target }) => onChange(target.value)}
        className="max-w-28 tabular-nums aria-invalid:border-destructive"
      />
      <p id={`${id}-help`} data-slot="preference-help" className="text-xs">
        {problem === undefined ? (
          <span className="text-muted-foreground">{help}</span>
        ) : (
          <span data-slot="preference-problem" className="text-destructive">
            {problem}
          </span>
        )}
      </p>
    </div>
  );
}
