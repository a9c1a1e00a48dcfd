import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { ErrorDetail } from "@/features/health/error-detail";
import { useNow } from "@/hooks/use-now";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { countsOf, groupsOf, STATE_WORDS } from "@/lib/error-words";
import { count } from "@/lib/format";
import type { ErrorGroup, ErrorState } from "@/lib/health-api";
import { errors } from "@/lib/health-watch";
import { agoWords } from "@/lib/health-words";
import { go } from "@/lib/location";

type Shown = ErrorState | "any";
const SHOWN: readonly Shown[] = ["open", "resolved", "muted", "any"];

function shownOf(find: string | null): Shown {
  return SHOWN.find((each) => each === find) ?? "open";
}

/** What went wrong, the same together; or one of them with its example. */
export function ErrorsPart() {
  const { item, find } = useView();
  const { value, error, loading } = useStore(errors.state);
  const opened = value?.find(({ fingerprint }) => fingerprint === item);
  const failed =
    error === null ? null : (
      <Problem facts={error}>
        <Button size="sm" onClick={() => void errors.load()}>
          Try again
        </Button>
      </Problem>
    );
  if (value === null)
    return failed ?? (loading ? <p className="text-faint-foreground text-sm">Looking…</p> : null);
  if (opened !== undefined) return <ErrorDetail key={opened.fingerprint} group={opened} />;
  const shown = shownOf(find);
  const groups = groupsOf(value, shown);
  return (
    <section aria-label="Errors" className="space-y-4">
      {failed}
      <Filter groups={value} shown={shown} />
      {item === null ? null : (
        <p className="text-[13px] text-muted-foreground">
          The error that this address is about is not kept any more.
        </p>
      )}
      {groups.length === 0 ? (
        <p data-slot="no-errors" className="text-[15px]">
          {value.length === 0 ? "Nothing went wrong yet." : "Nothing here."}
        </p>
      ) : (
        <ul data-slot="errors" className="divide-y border-y">
          {groups.map((group) => (
            <ErrorRow key={group.fingerprint} group={group} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Filter({ groups, shown }: { groups: readonly ErrorGroup[]; shown: Shown }) {
  const counts = countsOf(groups);
  return (
    <div role="group" aria-label="Which errors" className="flex flex-wrap gap-1.5">
      {SHOWN.map((each) => (
        <button
          key={each}
          type="button"
          data-slot="error-filter"
          data-state={each}
          aria-pressed={each === shown}
          onClick={() => go({ find: each === "open" ? null : each, item: null }, "replace")}
          className={cn(
            "h-7 rounded-full border px-2.5 text-muted-foreground text-xs hover:text-foreground max-sm:h-9 max-sm:px-3",
            each === shown && "border-foreground/50 text-foreground",
          )}
        >
          {each === "any" ? "All" : STATE_WORDS[each]}{" "}
          <span className="tabular-nums">{count(each === "any" ? groups.length : counts[each])}</span>
        </button>
      ))}
    </div>
  );
}

function ErrorRow({
  group: { fingerprint, title, place, count: times, lastAt, state },
}: {
  group: ErrorGroup;
}) {
  const now = useNow();
  return (
    <li data-slot="error-group" data-fingerprint={fingerprint} data-state={state}>
      <button
        type="button"
        data-slot="open-error"
        onClick={() => go({ item: fingerprint })}
        className="grid w-full grid-cols-[1fr_auto] items-baseline gap-x-4 py-2.5 text-left text-[13px] hover:bg-accent/40"
      >
        <span className={cn("min-w-0 break-words", state !== "open" && "text-muted-foreground")}>
          {title}
        </span>
        <span className="whitespace-nowrap text-right text-xs tabular-nums">{count(times)} ×</span>
        <span className="min-w-0 truncate font-mono text-faint-foreground text-xs leading-5">{place}</span>
        <span className="whitespace-nowrap text-faint-foreground text-xs leading-5 tabular-nums">
          {state === "open" ? "" : `${STATE_WORDS[state].toLowerCase()} · `}
          {agoWords(lastAt, now)}
        </span>
      </button>
    </li>
  );
}
