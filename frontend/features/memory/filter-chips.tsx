import { Check, ChevronDown, Pin } from "lucide-react";
import type { ReactNode } from "react";
import { AgentDot } from "@/components/agent-dot";
import { Button } from "@/components/ui/button";
import { Popover, PopoverContent, PopoverTrigger } from "@/components/ui/popover";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { count } from "@/lib/format";
import { go } from "@/lib/location";
import {
  ALL_MEMORIES,
  formatFilters,
  isNarrowed,
  MEMORY_KINDS,
  MEMORY_SCOPES,
  MEMORY_STATES,
  type MemoryFilters,
  parseFilters,
} from "@/lib/memory-query";
import { memoryState } from "@/lib/memory-state";
import { authorWords, KIND_HINTS, KIND_NAMES, SCOPE_NAMES, SINCE, STATE_NAMES } from "@/lib/memory-words";

/** With the value, or without it where it was there. */
function toggled<Value>(values: readonly Value[], value: Value): Value[] {
  return values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
}

/** `Kind`, `Fact`, `Fact +1` */
function chosen(label: string, names: readonly string[]): string {
  const [first = label, ...rest] = names;
  return rest.length === 0 ? first : `${first} +${rest.length}`;
}

/** What the list is narrowed to, each a small menu. */
export function FilterChips() {
  const filters = parseFilters(useView().find);
  const counts = useStore(memoryState.standing).state?.counts;
  const narrow = (change: Partial<MemoryFilters>): void =>
    go({ find: formatFilters({ ...filters, ...change }) }, "replace");
  const agents = Object.entries(counts?.byAgent ?? {}).sort((one, other) => other[1] - one[1]);
  const days = SINCE.find((each) => each.days === filters.days);
  return (
    <div
      data-slot="memory-filters"
      className="flex items-center gap-1.5 max-sm:-mx-4 max-sm:overflow-x-auto max-sm:px-4 max-sm:[scrollbar-width:none] sm:flex-wrap"
    >
      <Chip
        label={chosen(
          "Kind",
          filters.kinds.map((kind) => KIND_NAMES[kind]),
        )}
        name="Kind"
        on={filters.kinds.length > 0}
      >
        {MEMORY_KINDS.map((kind) => (
          <Choice
            key={kind}
            on={filters.kinds.includes(kind)}
            amount={counts?.byKind[kind] ?? 0}
            hint={KIND_HINTS[kind]}
            onToggle={() => narrow({ kinds: toggled(filters.kinds, kind) })}
          >
            {KIND_NAMES[kind]}
          </Choice>
        ))}
      </Chip>
      <Chip
        label={chosen(
          "Whose",
          filters.scopes.map((scope) => SCOPE_NAMES[scope]),
        )}
        name="Whose"
        on={filters.scopes.length > 0}
      >
        {MEMORY_SCOPES.map((scope) => (
          <Choice
            key={scope}
            on={filters.scopes.includes(scope)}
            amount={counts?.byScope[scope] ?? 0}
            onToggle={() => narrow({ scopes: toggled(filters.scopes, scope) })}
          >
            {SCOPE_NAMES[scope]}
          </Choice>
        ))}
      </Chip>
      <Chip label={chosen("By", filters.agents.map(authorWords))} name="By" on={filters.agents.length > 0}>
        {agents.map(([agent, amount]) => (
          <Choice
            key={agent}
            on={filters.agents.includes(agent)}
            amount={amount}
            onToggle={() => narrow({ agents: toggled(filters.agents, agent) })}
          >
            <AgentDot role={agent} /> {authorWords(agent)}
          </Choice>
        ))}
      </Chip>
      <Chip
        label={days?.days ? days.name : filters.days ? `Last ${filters.days} days` : "When"}
        name="When"
        on={filters.days !== null}
      >
        {SINCE.map((since) => (
          <Choice
            key={since.name}
            on={filters.days === since.days}
            onToggle={() => narrow({ days: since.days })}
          >
            {since.name}
          </Choice>
        ))}
      </Chip>
      <Chip label={STATE_NAMES[filters.state]} name="State" on={filters.state !== "alive"}>
        {MEMORY_STATES.map((state) => (
          <Choice key={state} on={filters.state === state} onToggle={() => narrow({ state })}>
            {STATE_NAMES[state]}
          </Choice>
        ))}
      </Chip>
      <Button
        size="sm"
        aria-pressed={filters.pinned}
        data-slot="filter-pinned"
        className={cn("rounded-full font-normal max-sm:h-9 max-sm:px-3", filters.pinned && ON)}
        onClick={() => narrow({ pinned: !filters.pinned })}
      >
        <Pin aria-hidden className="!size-3" />
        Pinned
      </Button>
      {isNarrowed(filters) ? (
        <Button
          variant="quiet"
          size="sm"
          data-slot="clear-filters"
          className="max-sm:h-9"
          onClick={() => narrow({ ...ALL_MEMORIES, text: filters.text })}
        >
          Clear
        </Button>
      ) : null}
    </div>
  );
}

const ON = "border-transparent bg-primary-tint text-primary hover:bg-primary-tint";

function Chip({
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

function Choice({ on, amount, hint, onToggle, children }: ChoiceProps) {
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
