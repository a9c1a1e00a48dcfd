import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { ChoiceBar } from "@/features/memory/choice-bar";
import { EmptyMemory, NothingFound } from "@/features/memory/empty-memory";
import { MemoryRow } from "@/features/memory/memory-row";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { count, plural } from "@/lib/format";
import { memoryChoice, setChoosing } from "@/lib/memory-choice";
import { memoryList, telling } from "@/lib/memory-list";
import { isNarrowed } from "@/lib/memory-query";

/** How far from the end the next page is asked for. */
const AHEAD = "600px";

/** The found, as far as they are loaded; more come as one scrolls. */
export function MemoryRows() {
  const list = useStore(memoryList.state);
  const open = useView().memory;
  const choice = useStore(memoryChoice);
  const scroller = useRef<HTMLDivElement>(null);
  const { filters, items, loaded, error } = list;
  const isSearch = filters.text.trim() !== "";
  // Another question is read from its beginning.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `filters` is when, not what
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 });
    setAll(false);
    memoryChoice.update((chosen) => chosen && new Set());
    memoryList.atTop = true;
  }, [filters]);
  useEffect(() => () => setChoosing(false), []);
  const [isAll, setAll] = useState(false);
  const best = Math.max(0, ...items.map(({ score }) => score ?? 0));
  const shown = isSearch && !isAll ? telling(items) : items;
  return (
    <div
      ref={scroller}
      data-slot="memory-rows"
      tabIndex={items.length === 0 ? 0 : -1}
      role="region"
      aria-label="Memories"
      aria-busy={list.loading}
      onScroll={(event) => {
        memoryList.atTop = event.currentTarget.scrollTop < 8;
      }}
      onKeyDown={stepThrough}
      className="relative min-h-0 flex-1 overflow-y-auto overscroll-contain border-t outline-none"
    >
      <HeldNote amount={list.held.length} scroller={scroller} />
      <div className="mx-auto max-w-4xl">
        <ChoiceBar shown={shown} />
        {error === null ? null : (
          <Problem facts={error} className="m-4">
            <Button size="sm" onClick={() => void memoryList.load()}>
              Try again
            </Button>
          </Problem>
        )}
        {isSearch && loaded && items.length > 0 ? <FoundLine shown={shown.length} /> : null}
        <ul>
          {shown.map((found) => (
            <MemoryRow
              key={found.memory.id}
              found={found}
              best={best}
              query={filters.text}
              isOpen={found.memory.id === open}
              isChosen={choice?.has(found.memory.id) ?? null}
            />
          ))}
        </ul>
        {shown.length < items.length ? (
          <div className="p-3 text-center">
            <Button variant="quiet" size="sm" data-slot="show-weaker" onClick={() => setAll(true)}>
              Show {count(items.length - shown.length)} more that{" "}
              {items.length - shown.length === 1 ? "fits" : "fit"} less
            </Button>
          </div>
        ) : null}
        {items.length === 0 && !loaded && error === null ? (
          <p className="px-4 py-6 text-[13px] text-faint-foreground">Loading…</p>
        ) : null}
        {items.length === 0 && loaded ? (
          isSearch || isNarrowed(filters) ? (
            <NothingFound filters={filters} dense={list.dense} />
          ) : (
            <EmptyMemory />
          )
        ) : null}
        {list.next === null || !loaded ? null : <More scroller={scroller} />}
      </div>
    </div>
  );
}

function FoundLine({ shown }: { shown: number }) {
  const { total, ms, dense } = useStore(memoryList.state);
  return (
    <p data-slot="found-line" className="px-4 pt-2.5 text-faint-foreground text-xs tabular-nums">
      {shown < total
        ? `The best ${count(shown)} of ${count(total)} compared`
        : plural(total, "memory", "memories")}
      , in {ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms,{" "}
      {dense ? "by meaning and by words" : "by words only"}
    </p>
  );
}

/** Says what came meanwhile, and leaves the list as it is until it is wanted. */
function HeldNote({ amount, scroller }: { amount: number; scroller: { current: HTMLElement | null } }) {
  if (amount === 0) return null;
  return (
    <div className="pointer-events-none sticky top-2 z-10 flex h-0 justify-center">
      <Button
        variant="primary"
        size="sm"
        data-slot="show-held"
        className="pointer-events-auto rounded-full shadow-md"
        onClick={() => {
          memoryList.showHeld();
          scroller.current?.scrollTo({ top: 0 });
        }}
      >
        {plural(amount, "new memory", "new memories")}
      </Button>
    </div>
  );
}

function More({ scroller }: { scroller: { current: HTMLElement | null } }) {
  const end = useRef<HTMLDivElement>(null);
  const loading = useStore(memoryList.state).loading;
  useEffect(() => {
    if (end.current === null || loading) return;
    const seen = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) void memoryList.loadMore();
      },
      { root: scroller.current, rootMargin: AHEAD },
    );
    seen.observe(end.current);
    return () => seen.disconnect();
  }, [scroller, loading]);
  return (
    <div ref={end} className="p-3 text-center">
      <Button variant="quiet" size="sm" disabled={loading} onClick={() => void memoryList.loadMore()}>
        {loading ? "Loading…" : "Show more"}
      </Button>
    </div>
  );
}

/** The arrow keys go from memory to memory. */
function stepThrough(event: KeyboardEvent<HTMLElement>): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0 || !(event.target instanceof HTMLElement)) return;
  const row = event.target.closest("li");
  if (row === null) return;
  event.preventDefault();
  const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  const target = next?.querySelector<HTMLElement>("[data-slot=memory-open]");
  if (target) target.focus();
  else if (step < 0) document.getElementById("memory-search")?.focus();
}
