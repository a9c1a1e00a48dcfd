import { ChevronRight } from "lucide-react";
import type { ComponentProps } from "react";
import { Field } from "@/components/field";
import { Input } from "@/components/ui/input";
import { type EndpointDraft, nameOf } from "@/features/models/endpoint-draft";
import { parseAliases } from "@/lib/endpoint-words";

interface ConnectMoreProps {
  draft: EndpointDraft;
  change: (change: Partial<EndpointDraft>) => void;
}

/** What few connections need: its share in a pool, what it bears and costs, and what its models are called here. */
export function ConnectMore({ draft, change }: ConnectMoreProps) {
  const { wrong } = parseAliases(draft.aliases);
  return (
    <details data-slot="connect-more" className="group/more">
      <summary className="flex w-fit list-none items-center gap-1.5 text-[13px] text-muted-foreground hover:text-foreground [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-3.5 transition-transform group-open/more:rotate-90" />
        Name, load, price and aliases
      </summary>
      <div className="mt-3 space-y-3">
        <Field label="Name">
          <Input
            value={draft.name}
            onChange={(event) => change({ name: event.target.value })}
            placeholder={nameOf(draft)}
            maxLength={40}
            spellCheck={false}
          />
        </Field>
        <Field
          label="Variable"
          help="The environment variable that holds the key, if it shall not be written down."
        >
          <Input
            value={draft.apiKeyEnv}
            onChange={(event) => change({ apiKeyEnv: event.target.value })}
            placeholder="OPENAI_API_KEY"
            spellCheck={false}
          />
        </Field>
        <Field
          label="Weight"
          help="Beside others with the same model: twice the weight, twice as many calls."
        >
          <Numeric value={draft.weight} placeholder="1" step="any" onText={(weight) => change({ weight })} />
        </Field>
        <Field label="At once" help="How many calls it may be given at the same time, at most.">
          <Numeric
            value={draft.concurrency}
            placeholder="Found out as it goes"
            onText={(concurrency) => change({ concurrency })}
          />
        </Field>
        <Field label="Window" help="Tokens that its models hold, where it does not say so itself.">
          <Numeric
            value={draft.contextWindow}
            placeholder="As it says"
            onText={(contextWindow) => change({ contextWindow })}
          />
        </Field>
        <fieldset className="grid gap-x-3 gap-y-1 sm:grid-cols-[96px_1fr_1fr]">
          <legend className="contents text-[13px] text-muted-foreground">
            <span className="self-center">Price</span>
          </legend>
          <Numeric
            label="US dollars per million tokens read"
            value={draft.priceInput}
            placeholder="US$ per million in"
            step="any"
            onText={(priceInput) => change({ priceInput })}
          />
          <Numeric
            label="US dollars per million tokens written"
            value={draft.priceOutput}
            placeholder="US$ per million out"
            step="any"
            onText={(priceOutput) => change({ priceOutput })}
          />
        </fieldset>
        <Field
          label="Aliases"
          help={wrong === null ? "So that the same model of two endpoints has one name." : undefined}
        >
          <textarea
            value={draft.aliases}
            onChange={(event) => change({ aliases: event.target.value })}
            aria-invalid={wrong !== null || undefined}
            placeholder={"meta-llama/llama-3.3-70b = llama-3.3-70b"}
            rows={2}
            spellCheck={false}
            className="field-sizing-content min-h-14 w-full resize-none rounded-md border border-input bg-transparent px-2.5 py-1.5 text-[13px] outline-none placeholder:text-faint-foreground focus-visible:border-ring focus-visible:ring-2 focus-visible:ring-ring/25 aria-invalid:border-destructive max-sm:text-base"
          />
        </Field>
        {wrong === null ? null : (
          <p role="alert" className="text-destructive text-xs">
            “{wrong}” is no alias. Write its name = your name, one a line.
          </p>
        )}
      </div>
    </details>
  );
}

interface NumericProps extends Omit<ComponentProps<typeof Input>, "onChange"> {
  label?: string;
  value: string;
  placeholder: string;
  step?: string;
  onText: (text: string) => void;
}

function Numeric({ label, value, placeholder, step = "1", onText, ...props }: NumericProps) {
  return (
    <Input
      {...props}
      type="number"
      inputMode="decimal"
      min={0}
      step={step}
      aria-label={label}
      value={value}
      placeholder={placeholder}
      onChange={(event) => onText(event.target.value)}
      className="tabular-nums"
    />
  );
}
