import { Check, ChevronDown } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { Popover, PopoverContent, PopoverTrigger } from "@/components/ui/popover";
import { cn } from "@/lib/cn";
import { count } from "@/lib/format";

const ON = "border-transparent bg-primary-tint text-primary hover:bg-primary-tint";

export function Switch({
  on,
  slot,
  onToggle,
  children,
}: {
  on: boolean;
  slot: string;
  onToggle: () => void;
  children: ReactNode;
}) {
  return (
    <Button
      size="sm"
      aria-pressed={on}
      data-slot={slot}
      className={cn("rounded-full font-normal max-sm:h-9 max-sm:px-3", on && ON)}
      onClick={onToggle}
    >
      {children}
    </Button>
  );
}

export function Chip({
  label,
  name,
  on,
  children,
}: {
  label: string;
  name: string;
  on: boolean;
  children: ReactNode;
}) {
  return (
    <Popover>
      <PopoverTrigger asChild>
        <Button
          size="sm"
          data-slot="filter-chip"
          data-filter={name}
          aria-label={on || name === "State" ? `${name}: ${label}` : name}
          className={cn("rounded-full font-normal max-sm:h-9 max-sm:px-3", on && ON)}
        >
          {label}
          <ChevronDown aria-hidden className="!size-3 opacity-70" />
        </Button>
      </PopoverTrigger>
      <PopoverContent align="start" role="group" aria-label={name} className="w-64 p-1">
        {children}
      </PopoverContent>
    </Popover>
  );
}

interface ChoiceProps {
  on: boolean;
  amount?: number;
  hint?: string;
  onToggle: () => void;
  children: ReactNode;
}

export function Choice({ on, amount, hint, onToggle, children }: ChoiceProps) {
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={onToggle}
      className="flex w-full items-start gap-2 rounded px-2 py-1.5 text-left text-[13px] hover:bg-accent max-sm:py-2.5"
    >
      <Check aria-hidden className={cn("mt-0.5 size-4 shrink-0 text-primary", !on && "invisible")} />
      <span className="min-w-0 flex-1">
        <span className="flex items-center gap-1.5">{children}</span>
        {hint === undefined ? null : <span className="block text-faint-foreground text-xs">{hint}</span>}
      </span>
      {amount === undefined ? null : (
        <span className="text-faint-foreground text-xs leading-5 tabular-nums">{count(amount)}</span>
      )}
    </button>
  );
}
