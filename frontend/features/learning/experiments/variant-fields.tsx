"use client";

import { X } from "lucide-react";
import { useEffect } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Labelled } from "@/features/learning/experiments/labelled";
import { TextArea } from "@/features/learning/experiments/text-area";
import { useStore } from "@/hooks/use-store";
import type { VariantDraft, Wrong } from "@/lib/experiment-draft";
import { wrongAt } from "@/lib/experiment-draft";
import { session } from "@/lib/session";

export const CHOICE =
  "h-8 w-full min-w-0 rounded-md border border-input bg-transparent px-2 text-[13px] outline-none focus-visible:border-ring focus-visible:ring-2 focus-visible:ring-ring/25 aria-invalid:border-destructive max-sm:h-10 max-sm:text-base [&>option]:bg-popover";

interface VariantFieldsProps {
  variant: VariantDraft;
  index: number;
  wrong: readonly Wrong[];
  onChange: (change: Partial<VariantDraft>) => void;
  onRemove: (() => void) | null;
}

/** One way to do the tasks; what is left empty is as usual. */
export function VariantFields({ variant, index, wrong, onChange, onRemove }: VariantFieldsProps) {
  const roles = useStore(session.roles.state);
  const models = useStore(session.models.state).list?.models ?? [];
  useEffect(() => void session.roles.load(), []);
  const names = [...new Set(["manager", ...roles.map(({ name }) => name)])];
  const at = (field: string): string | null => wrongAt(wrong, `variants[${index}].${field}`);
  const whole = wrong.find(({ where }) => where === `variants[${index}]`)?.message ?? null;
  return (
    <fieldset data-slot="variant" data-index={index} className="space-y-3 border-border border-l-2 pl-4">
      <legend className="sr-only">Variant {index + 1}</legend>
      <div className="grid gap-3 sm:grid-cols-[1.2fr_1.4fr_1fr_6rem_auto]">
        <Labelled label={index === 0 ? "Name (the baseline)" : "Name"} wrong={at("name") ?? whole}>
          <Input
            data-slot="variant-name"
            maxLength={60}
            value={variant.name}
            onChange={({ target }) => onChange({ name: target.value })}
          />
        </Labelled>
        <Labelled label="Model" wrong={at("model")}>
          <select
            data-slot="variant-model"
            className={CHOICE}
            value={variant.model}
            onChange={({ target }) => onChange({ model: target.value })}
          >
            <option value="">As usual</option>
            {models.map(({ id }) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </Labelled>
        <Labelled label="Role" wrong={at("role")}>
          <select
            data-slot="variant-role"
            className={CHOICE}
            value={variant.role}
            onChange={({ target }) => onChange({ role: target.value })}
          >
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </Labelled>
        <Labelled label="Temperature" wrong={at("temperature")}>
          <Input
            data-slot="variant-temperature"
            inputMode="decimal"
            placeholder="usual"
            value={variant.temperature}
            onChange={({ target }) => onChange({ temperature: target.value })}
          />
        </Labelled>
        <Button
          variant="ghost"
          size="icon"
          className="self-start sm:mt-5"
          disabled={onRemove === null}
          aria-label={`Remove the variant ${variant.name || index + 1}`}
          onClick={onRemove ?? undefined}
        >
          <X aria-hidden />
        </Button>
      </div>
      <Labelled label={`Prompt of ${variant.role}, in place of its own`} wrong={at("prompt")}>
        <TextArea
          data-slot="variant-prompt"
          placeholder="As usual"
          value={variant.prompt}
          onChange={({ target }) => onChange({ prompt: target.value })}
        />
      </Labelled>
      <label className="flex w-fit items-center gap-2 py-1 text-[13px]">
        <input
          type="checkbox"
          data-slot="variant-memory"
          className="size-3.5 accent-primary"
          checked={variant.memory}
          onChange={({ target }) => onChange({ memory: target.checked })}
        />
        With what is remembered
      </label>
    </fieldset>
  );
}
