"use client";

import { Gauge } from "lucide-react";
import { useId } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Popover, PopoverContent, PopoverTrigger } from "@/components/ui/popover";
import { Tooltip } from "@/components/ui/tooltip";
import { useStore } from "@/hooks/use-store";
import { amount } from "@/lib/budget-words";
import { cn } from "@/lib/cn";
import { composer, NO_LIMITS } from "@/lib/composer-state";
import type { Limits } from "@/lib/run-state";

const FIELDS = [
  { what: "tokens", label: "Tokens", unit: "", step: 500 },
  { what: "seconds", label: "Time", unit: "s", step: 10 },
  { what: "money", label: "Money", unit: "US$", step: 0.01 },
] as const;

/** What the next answer may use, and whether the cache may give it. Folded away; what is set is said on the button. */
export function LimitsButton() {
  const { limits, fresh } = useStore(composer);
  const set = FIELDS.filter(({ what }) => limits[what] > 0).map(({ what }) => amount(what, limits[what]));
  const words = [...(set.length > 0 ? [`≤ ${set.join(", ")}`] : []), ...(fresh ? ["anew"] : [])].join(" · ");
  return (
    <Popover>
      <Tooltip label="Limits of the next answer">
        <PopoverTrigger asChild>
          <Button
            variant="ghost"
            size="sm"
            data-slot="limits-button"
            aria-label={words === "" ? "Limits of the next answer" : `Limits of the next answer: ${words}`}
            className={cn(
              "min-w-0 rounded-full font-normal",
              words !== "" && "bg-primary-tint text-primary hover:text-primary",
            )}
          >
            <Gauge aria-hidden className="!size-3.5" />
            {words === "" ? null : <span className="truncate max-sm:sr-only">{words}</span>}
          </Button>
        </PopoverTrigger>
      </Tooltip>
      <PopoverContent
        align="start"
        data-slot="limits"
        aria-label="Limits of the next answer"
        className="w-72"
      >
        <LimitsForm />
      </PopoverContent>
    </Popover>
  );
}

function LimitsForm() {
  const { limits, fresh } = useStore(composer);
  const change = (what: keyof Limits, text: string): void => {
    const value = Math.max(0, Number(text) || 0);
    composer.update((state) => ({
      ...state,
      limits: { ...state.limits, [what]: what === "tokens" ? Math.round(value) : value },
    }));
  };
  const id = useId();
  const any = fresh || FIELDS.some(({ what }) => limits[what] > 0);
  return (
    <div className="space-y-3 text-[13px]">
      <p className="text-muted-foreground">The next answer may use at most:</p>
      <div className="grid grid-cols-[auto_1fr_auto] items-center gap-x-3 gap-y-2">
        {FIELDS.map(({ what, label, unit, step }) => (
          <div key={what} className="col-span-3 grid grid-cols-subgrid items-center">
            <label htmlFor={`${id}-${what}`}>{label}</label>
            <Input
              id={`${id}-${what}`}
              type="number"
              inputMode="decimal"
              min={0}
              step={step}
              value={limits[what] || ""}
              placeholder="No limit"
              onChange={(event) => change(what, event.target.value)}
              className="text-right tabular-nums"
            />
            <span className="w-8 text-faint-foreground text-xs">{unit}</span>
          </div>
        ))}
      </div>
      <label className="flex items-center gap-2 border-t pt-3">
        <input
          type="checkbox"
          checked={fresh}
          onChange={(event) => composer.update((state) => ({ ...state, fresh: event.target.checked }))}
          className="size-4 accent-primary"
        />
        Make it anew, not from the cache
      </label>
      <div className="flex items-center justify-between text-faint-foreground text-xs">
        <span>For one message only.</span>
        {any ? (
          <Button
            variant="link"
            size="inline"
            onClick={() => composer.update((state) => ({ ...state, limits: NO_LIMITS, fresh: false }))}
          >
            Clear
          </Button>
        ) : null}
      </div>
    </div>
  );
}
