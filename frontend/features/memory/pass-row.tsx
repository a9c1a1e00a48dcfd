import { ChevronRight } from "lucide-react";
import { useEffect, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { ActList } from "@/features/memory/act-list";
import { usePart, useStore } from "@/hooks/use-store";
import { factsOf } from "@/lib/api";
import { cn } from "@/lib/cn";
import { duration } from "@/lib/format";
import { go } from "@/lib/location";
import { ago, exactTime } from "@/lib/memory-words";
import type { ErrorFacts } from "@/lib/protocol";
import { refinement } from "@/lib/refinement";
import type { Pass } from "@/lib/refinement-api";
import { byWords, countsWords } from "@/lib/refinement-words";

/** A pass in one line; open, with its acts, each of which can be taken back. */
export function PassRow({ pass, isOpen }: { pass: Pass; isOpen: boolean }) {
  const { id, at, by, ms, undoneAt, counts, more } = pass;
  const now = Date.now();
  return (
    <li data-slot="pass" data-pass={id} data-undone={undoneAt != null || undefined}>
      <button
        type="button"
        data-slot="open-pass"
        aria-expanded={isOpen}
        aria-controls={isOpen ? `pass-${id}` : undefined}
        onClick={() => go({ item: isOpen ? null : id }, "replace")}
        className="flex w-full items-baseline gap-2 py-2.5 text-left text-[13px] hover:bg-accent/40 max-sm:py-3"
      >
        <ChevronRight
          aria-hidden
          className={cn(
            "size-3.5 shrink-0 translate-y-0.5 text-faint-foreground transition-transform duration-100 motion-reduce:transition-none",
            isOpen && "rotate-90",
          )}
        />
        <span className="min-w-0 flex-1">
          <span className={cn("font-medium", undoneAt != null && "text-muted-foreground line-through")}>
            {countsWords(counts)}
          </span>
          <span className="text-muted-foreground"> · {byWords(by)}</span>
          {undoneAt == null ? null : <span className="text-muted-foreground"> · taken back</span>}
        </span>
        <time title={exactTime(at)} className="shrink-0 text-faint-foreground text-xs tabular-nums">
          {ago(at, now)}
        </time>
      </button>
      {isOpen ? (
        <div id={`pass-${id}`} className="space-y-3 pb-4 pl-5.5">
          <PassActs pass={pass} />
          <p className="text-faint-foreground text-xs tabular-nums">
            {exactTime(at)}
            {ms > 0 ? ` · it took ${duration(ms)}` : ""}
            {more ? " · there was more to do" : ""}
          </p>
        </div>
      ) : null}
    </li>
  );
}

function PassActs({ pass }: { pass: Pass }) {
  const detail = usePart(refinement.opened, (all) => all[pass.id]);
  const { what } = useStore(refinement.doing);
  const { error, reload } = useActs(pass);
  if (detail === undefined)
    return error === null ? (
      <p className="text-faint-foreground text-xs">Loading…</p>
    ) : (
      <Problem facts={error}>
        <Button size="sm" onClick={reload}>
          Try again
        </Button>
      </Problem>
    );
  const left = detail.acts.filter(({ undoneAt }) => undoneAt == null);
  return (
    <>
      <ActList acts={detail.acts}>
        {(act) =>
          act.undoneAt != null ? (
            <span className="text-muted-foreground text-xs">taken back {ago(act.undoneAt, Date.now())}</span>
          ) : (
            <Button
              size="sm"
              data-slot="undo-act"
              disabled={what !== null}
              className="max-sm:h-9"
              onClick={() => void refinement.undo(pass.id, act.n)}
            >
              Take back
            </Button>
          )
        }
      </ActList>
      {left.length > 1 ? (
        <Button
          size="sm"
          data-slot="undo-pass"
          disabled={what !== null}
          className="max-sm:h-9"
          onClick={() => void refinement.undo(pass.id)}
        >
          Take back {left.length === detail.acts.length ? "all of it" : `the other ${left.length}`}
        </Button>
      ) : null}
    </>
  );
}

/** One that the list does not have (yet), as an address names it. */
export function LinkedPass({ id }: { id: string }) {
  const detail = usePart(refinement.opened, (all) => all[id]);
  const { error, reload } = useActs({ id });
  if (detail !== undefined)
    return (
      <ol className="border-y">
        <PassRow pass={detail} isOpen />
      </ol>
    );
  if (error === null) return null;
  return (
    <Problem facts={error}>
      <Button size="sm" onClick={reload}>
        Try again
      </Button>
      <Button size="sm" data-slot="all-passes" onClick={() => go({ item: null }, "replace")}>
        All passes
      </Button>
    </Problem>
  );
}

/** Reads them, and again whenever the list was read anew. */
function useActs(pass: { readonly id: string }): { error: ErrorFacts | null; reload: () => void } {
  const [error, setError] = useState<ErrorFacts | null>(null);
  const [asked, setAsked] = useState(0);
  const list = usePart(refinement.remote.state, ({ value }) => value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `list` and `asked` are when, not what
  useEffect(() => {
    const request = new AbortController();
    refinement.read(pass.id, request.signal).then(
      () => setError(null),
      (cause: unknown) => {
        if (!request.signal.aborted) setError(factsOf(cause));
      },
    );
    return () => request.abort();
  }, [pass.id, list, asked]);
  return { error, reload: () => setAsked((times) => times + 1) };
}
