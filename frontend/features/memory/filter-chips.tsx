import { ListChecks, Pin, User } from "lucide-react";
import { AgentDot } from "@/components/agent-dot";
import { Button } from "@/components/ui/button";
import { Chip, Choice, Switch } from "@/features/memory/chips";
import { OriginChip } from "@/features/memory/origin-chip";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { go } from "@/lib/location";
import { memoryChoice, setChoosing } from "@/lib/memory-choice";
import {
  ABOUT_ME,
  ALL_MEMORIES,
  formatFilters,
  isAboutMe,
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
  const isChoosing = useStore(memoryChoice) !== null;
  const days = SINCE.find((each) => each.days === filters.days);
  return (
    <div
      data-slot="memory-filters"
      className="flex items-center gap-1.5 max-sm:-mx-4 max-sm:-mt-1 max-sm:mb-1 max-sm:overflow-x-auto max-sm:px-4 max-sm:py-1 max-sm:[scrollbar-width:none] sm:flex-wrap"
    >
      <Switch
        on={isAboutMe(filters)}
        slot="filter-about-me"
        onToggle={() => narrow(isAboutMe(filters) ? { kinds: [], scopes: [] } : ABOUT_ME)}
      >
        <User aria-hidden className="!size-3" />
        About me
      </Switch>
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
      <OriginChip />
      <Switch on={filters.pinned} slot="filter-pinned" onToggle={() => narrow({ pinned: !filters.pinned })}>
        <Pin aria-hidden className="!size-3" />
        Pinned
      </Switch>
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
      <Button
        variant="quiet"
        size="sm"
        data-slot="choose-memories"
        aria-pressed={isChoosing}
        className="ml-auto max-sm:h-9"
        onClick={() => setChoosing(!isChoosing)}
      >
        <ListChecks aria-hidden className="!size-3.5" />
        {isChoosing ? "Done" : "Choose"}
      </Button>
    </div>
  );
}
