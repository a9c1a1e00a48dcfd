"use client";

import { Plus } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Labelled } from "@/features/learning/experiments/labelled";
import { CHOICE, VariantFields } from "@/features/learning/experiments/variant-fields";
import { useStore } from "@/hooks/use-store";
import {
  EVALUATORS,
  type EvaluatorType,
  type ExperimentDraft,
  newVariant,
  type VariantDraft,
  type Wrong,
  wrongAt,
} from "@/lib/experiment-draft";
import { EVALUATOR_WORDS } from "@/lib/experiment-words";
import { session } from "@/lib/session";

const MOST_VARIANTS = 20;

interface DesignFieldsProps {
  draft: ExperimentDraft;
  wrong: readonly Wrong[];
  onChange: (change: Partial<ExperimentDraft>) => void;
}

/** What is tried, how it is scored, and how often. */
export function DesignFields({ draft, wrong, onChange }: DesignFieldsProps) {
  const { variants } = draft;
  const changed = (key: number, change: Partial<VariantDraft>): void =>
    onChange({ variants: variants.map((one) => (one.key === key ? { ...one, ...change } : one)) });
  const add = (): void => {
    const key = Math.max(...variants.map((one) => one.key)) + 1;
    onChange({ variants: [...variants, newVariant(key, `variant ${variants.length + 1}`)] });
  };
  return (
    <>
      <Labelled label="Name" wrong={wrongAt(wrong, "name")} className="sm:max-w-md">
        <Input
          data-slot="experiment-name"
          maxLength={120}
          placeholder="Short or long"
          value={draft.name}
          onChange={({ target }) => onChange({ name: target.value })}
        />
      </Labelled>
      <section aria-labelledby="variants-title" className="space-y-4">
        <h3 id="variants-title" className="font-medium text-[13px]">
          Variants
        </h3>
        {variants.map((variant, index) => (
          <VariantFields
            key={variant.key}
            variant={variant}
            index={index}
            wrong={wrong}
            onChange={(change) => changed(variant.key, change)}
            onRemove={
              variants.length < 2
                ? null
                : () => onChange({ variants: variants.filter(({ key }) => key !== variant.key) })
            }
          />
        ))}
        <Button size="sm" data-slot="add-variant" disabled={variants.length >= MOST_VARIANTS} onClick={add}>
          <Plus aria-hidden /> Add a variant
        </Button>
      </section>
      <Evaluators draft={draft} wrong={wrong} onChange={onChange} />
      <Often draft={draft} wrong={wrong} onChange={onChange} />
    </>
  );
}

function Evaluators({ draft, wrong, onChange }: DesignFieldsProps) {
  const models = useStore(session.models.state).list?.models ?? [];
  const { evaluators } = draft;
  const toggle = (type: EvaluatorType): void =>
    onChange({
      evaluators: EVALUATORS.filter((one) =>
        one === type ? !evaluators.includes(one) : evaluators.includes(one),
      ),
    });
  const said = wrongAt(wrong, "evaluators");
  return (
    <fieldset className="space-y-1.5">
      <legend className="font-medium text-[13px]">Scored by</legend>
      <div className="grid gap-x-6 sm:grid-cols-2">
        {EVALUATORS.map((type) => (
          <label
            key={type}
            className="-mx-2 flex cursor-pointer items-start gap-2.5 rounded px-2 py-1.5 hover:bg-accent/60 max-sm:py-2"
          >
            <input
              type="checkbox"
              data-slot="evaluator"
              data-type={type}
              checked={evaluators.includes(type)}
              onChange={() => toggle(type)}
              className="mt-1 size-3.5 shrink-0 accent-primary"
            />
            <span className="text-[13px]">
              {EVALUATOR_WORDS[type][0]}{" "}
              <code className="font-mono text-muted-foreground text-xs">{type}</code>
              <span className="block text-muted-foreground text-xs">{EVALUATOR_WORDS[type][1]}</span>
            </span>
          </label>
        ))}
      </div>
      {evaluators.includes("judge") ? (
        <Labelled label="The judge’s model" wrong={null} className="sm:max-w-xs">
          <select
            data-slot="judge-model"
            className={CHOICE}
            value={draft.judge}
            onChange={({ target }) => onChange({ judge: target.value })}
          >
            <option value="">As usual</option>
            {models.map(({ id }) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </Labelled>
      ) : null}
      {said === null ? null : (
        <p data-slot="field-wrong" className="text-destructive text-xs">
          {said}
        </p>
      )}
    </fieldset>
  );
}

const NUMBERS = [
  ["seeds", "Times each", "seeds"],
  ["seconds", "Seconds a run", "limits.seconds"],
  ["parallel", "Runs at once", "limits.parallel"],
  ["money", "Stop at US$ (0: no limit)", "limits.money"],
] as const;

function Often({ draft, wrong, onChange }: DesignFieldsProps) {
  return (
    <div className="grid grid-cols-2 gap-3 sm:grid-cols-5">
      {NUMBERS.map(([field, label, where]) => (
        <Labelled key={field} label={label} wrong={wrongAt(wrong, where)}>
          <Input
            data-slot={`experiment-${field}`}
            inputMode="decimal"
            className="tabular-nums"
            value={draft[field]}
            onChange={({ target }) => onChange({ [field]: target.value })}
          />
        </Labelled>
      ))}
      <Labelled label="Kind of task" wrong={wrongAt(wrong, "kind")}>
        <select
          data-slot="experiment-kind"
          className={CHOICE}
          value={draft.kind}
          onChange={({ target }) => onChange({ kind: target.value as ExperimentDraft["kind"] })}
        >
          <option value="">Found for each</option>
          <option value="chat">Chat</option>
          <option value="creative">Creative</option>
          <option value="analytical">Analytical</option>
        </select>
      </Labelled>
    </div>
  );
}
