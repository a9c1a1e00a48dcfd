import { Fragment, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { WorkingDot } from "@/components/ui/working-dot";
import { LineSample } from "@/features/learning/lab/line-sample";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { count } from "@/lib/format";
import { lab } from "@/lib/lab";
import type { Lab } from "@/lib/lab-api";
import {
  formatChoice,
  type LabChoice,
  MOST_POLICIES,
  MOST_SEEDS,
  MOST_TASKS,
  playsOf,
  typedWhole,
} from "@/lib/lab-figures";
import { go } from "@/lib/location";

/** Which world, which policies, how many tasks and lives. What is chosen stands in the address. */
export function LabForm({ lab: known, choice }: { lab: Lab; choice: LabChoice }) {
  const { playing } = useStore(lab.played);
  const choose = (change: Partial<LabChoice>): void =>
    go({ item: formatChoice({ ...choice, ...change }) }, "replace");
  const world = known.worlds.find(({ name }) => name === choice.world);
  const plays = playsOf(choice, known);
  return (
    <form
      data-slot="lab-form"
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (playing) lab.stop();
        else void lab.run(choice);
      }}
    >
      <Options legend="World">
        {known.worlds.map(({ name, about }) => (
          <Option
            key={name}
            type="radio"
            group="lab-world"
            name={name}
            about={about}
            isOn={name === choice.world}
            onToggle={() => choose({ world: name, tasks: 0 })}
          />
        ))}
      </Options>
      <Options legend="Policies">
        {known.policies.map(({ name, about }) => {
          const isOn = choice.policies.includes(name);
          const rest = choice.policies.filter((other) => other !== name);
          return (
            <Option
              key={name}
              type="checkbox"
              group="lab-policy"
              name={name}
              about={about}
              isOn={isOn}
              isFixed={isOn ? rest.length === 0 : choice.policies.length >= MOST_POLICIES}
              onToggle={() => choose({ policies: isOn ? rest : [...rest, name] })}
            >
              <LineSample policy={name} lab={known} />
            </Option>
          );
        })}
      </Options>
      <div className="flex flex-wrap items-end gap-x-4 gap-y-3">
        <NumberField
          label="Tasks"
          slot="lab-tasks"
          value={choice.tasks || (world?.tasks ?? 0)}
          most={MOST_TASKS}
          onChange={(tasks) => choose({ tasks })}
        />
        <NumberField
          label="Seeds"
          slot="lab-seeds"
          value={choice.seeds}
          most={MOST_SEEDS}
          onChange={(seeds) => choose({ seeds })}
        />
        <Button
          type="submit"
          variant={playing ? "outline" : "primary"}
          data-slot="lab-run"
          formNoValidate={playing}
          className="max-sm:h-10"
        >
          {playing ? (
            <>
              <WorkingDot /> Stop
            </>
          ) : (
            "Run"
          )}
        </Button>
        <p
          data-slot="lab-plays"
          className={cn(
            "pb-1.5 text-muted-foreground text-xs tabular-nums max-sm:w-full",
            plays > known.most && "text-caution",
          )}
        >
          {count(plays)} tasks in all
          {plays > known.most ? `; at most ${count(known.most)} are played at once` : ""}
        </p>
      </div>
    </form>
  );
}

function Options({ legend, children }: { legend: string; children: ReactNode }) {
  return (
    <fieldset className="space-y-1.5">
      <legend className="font-medium text-[13px]">{legend}</legend>
      <div className="grid gap-x-6 sm:grid-cols-2">{children}</div>
    </fieldset>
  );
}

interface OptionProps {
  type: "radio" | "checkbox";
  group: string;
  name: string;
  about: string;
  isOn: boolean;
  isFixed?: boolean;
  onToggle: () => void;
  children?: ReactNode;
}

function Option({ type, group, name, about, isOn, isFixed = false, onToggle, children }: OptionProps) {
  return (
    <label className="-mx-2 flex cursor-pointer items-start gap-2.5 rounded px-2 py-1.5 hover:bg-accent/60 max-sm:py-2">
      <input
        type={type}
        name={group}
        value={name}
        checked={isOn}
        aria-disabled={isFixed || undefined}
        onChange={() => {
          if (!isFixed) onToggle();
        }}
        className="mt-1 size-3.5 shrink-0 accent-primary"
      />
      <span className="min-w-0 text-[13px]">
        <span className="inline-flex items-center gap-2 font-medium">
          {name}
          {isOn ? children : null}
        </span>
        <span className="block text-muted-foreground text-xs">
          {about.split("`").map((part, at) => (
            <Fragment key={`${at}${part}`}>
              {at % 2 === 0 ? part : <code className="font-mono">{part}</code>}
            </Fragment>
          ))}
        </span>
      </span>
    </label>
  );
}

interface NumberFieldProps {
  label: string;
  slot: string;
  value: number;
  most: number;
  onChange: (value: number) => void;
}

function NumberField({ label, slot, value, most, onChange }: NumberFieldProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [isWrong, setWrong] = useState(false);
  useEffect(() => {
    if (input.current !== null) input.current.value = String(value);
    setWrong(false);
  }, [value]);
  // What cannot be taken stays as it was typed, and the form is not sent with it.
  const take = (text: string): void => {
    const typed = typedWhole(text, most);
    setWrong(typed === null);
    if (typed !== null && typed !== value) onChange(typed);
  };
  return (
    <div className="space-y-1">
      <label htmlFor={id} className="block text-muted-foreground text-xs">
        {label}
      </label>
      <Input
        id={id}
        ref={input}
        type="number"
        inputMode="numeric"
        min={1}
        max={most}
        data-slot={slot}
        // Typed freely, and taken when it is a number.
        defaultValue={value}
        aria-invalid={isWrong || undefined}
        aria-describedby={isWrong ? `${id}-wrong` : undefined}
        onBlur={(event) => take(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") take(event.currentTarget.value);
        }}
        className="w-24 tabular-nums"
      />
      {isWrong ? (
        <p id={`${id}-wrong`} role="alert" data-slot={`${slot}-wrong`} className="text-destructive text-xs">
          Expected a whole number from 1 to {count(most)}
        </p>
      ) : null}
    </div>
  );
}
