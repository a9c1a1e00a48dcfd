"use client";

import { useId, useState } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import { WorkingDot } from "@/components/ui/working-dot";
import { useStore } from "@/hooks/use-store";
import {
  aboutDraft,
  type DraftBy,
  type DraftChoice,
  draftProblem,
  HOWS,
  USUAL_CHOICE,
} from "@/lib/draft-choice";
import { session } from "@/lib/session";

interface DraftFormProps {
  by: DraftBy;
  role: string;
  busy: boolean;
  onDraft: (choice: DraftChoice) => void;
  onCancel: () => void;
}

/** How a draft is to be made, and by whom; as usual unless one says otherwise. */
export function DraftForm({ by, role, busy, onDraft, onCancel }: DraftFormProps) {
  const [choice, setChoice] = useState(USUAL_CHOICE);
  const models = useStore(session.models.state).list?.models ?? [];
  const about = useId();
  const problem = draftProblem(by, choice);
  const change = (news: Partial<DraftChoice>): void => setChoice({ ...choice, ...news });
  return (
    <form
      data-slot="draft-form"
      data-by={by}
      data-escape
      aria-label={by === "reflect" ? `A prompt for ${role}` : `Notes for ${role}`}
      className="space-y-3 border-l-2 py-1 pl-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy && problem === null) onDraft(choice);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onCancel();
      }}
    >
      <div className="flex flex-wrap items-center gap-x-5 gap-y-2">
        {by === "distil" ? null : (
          <span className="flex items-center gap-2">
            <span className="text-muted-foreground">By</span>
            <Select
              autoFocus
              data-slot="draft-how"
              aria-label="How it is made"
              aria-describedby={about}
              className="text-[13px] max-sm:h-9"
              value={choice.how}
              onChange={({ target }) => change({ how: target.value as DraftChoice["how"] })}
            >
              {HOWS.map(({ id, label }) => (
                <option key={id} value={id}>
                  {label}
                </option>
              ))}
            </Select>
          </span>
        )}
        <span className="flex min-w-0 items-center gap-2">
          <span className="text-muted-foreground">Model</span>
          <Select
            autoFocus={by === "distil"}
            data-slot="draft-model"
            aria-label="Model"
            className="max-w-64 text-[13px] max-sm:h-9"
            value={choice.model}
            onChange={({ target }) => change({ model: target.value })}
          >
            <option value="">The usual one</option>
            {models.map(({ id }) => (
              <option key={id} value={id}>
                {id}
              </option>
            ))}
          </Select>
        </span>
        {by === "reflect" && choice.how === "gepa" ? (
          <span className="flex items-center gap-2">
            <span className="text-muted-foreground">Calls at most</span>
            <Input
              inputMode="numeric"
              data-slot="draft-calls"
              aria-label="Calls of models at most"
              aria-invalid={problem !== null}
              className="w-20 tabular-nums aria-invalid:border-destructive"
              value={choice.calls}
              onChange={({ target }) => change({ calls: target.value })}
            />
          </span>
        ) : null}
      </div>
      <p id={about} className="max-w-2xl text-pretty text-muted-foreground text-xs">
        {aboutDraft(by, choice.how)}
      </p>
      {problem === null ? null : (
        <p role="alert" className="text-destructive text-xs">
          {problem}
        </p>
      )}
      <div className="flex items-center gap-2">
        <Button
          type="submit"
          size="sm"
          variant="primary"
          data-slot="make-draft"
          className="max-sm:h-9"
          disabled={busy || problem !== null}
        >
          {busy ? <WorkingDot /> : null} Make the draft
        </Button>
        <Button size="sm" variant="quiet" className="max-sm:h-9" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
