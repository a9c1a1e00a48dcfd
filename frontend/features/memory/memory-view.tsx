"use client";

import { type ReactNode, useEffect } from "react";
import { ListPart } from "@/features/memory/list-part";
import { MapPart } from "@/features/memory/map-part";
import { MemoryMenu } from "@/features/memory/memory-menu";
import { MemoryPage } from "@/features/memory/memory-page";
import { StateLine } from "@/features/memory/state-line";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { go, isMemoryPage, type MemoryPage as Page } from "@/lib/location";
import { memoryList } from "@/lib/memory-list";
import { memoryState } from "@/lib/memory-state";
import { session } from "@/lib/session";

const TABS: readonly { id: Page; label: string }[] = [
  { id: "memory", label: "List" },
  { id: "map", label: "Map" },
  { id: "knowledge", label: "Files" },
];

/** What is remembered: as a list, as a map, and one memory beside it. `children`: the files, where those are shown. */
export function MemoryView({ children }: { children: ReactNode }) {
  const { page, memory } = useView();
  useEffect(() => {
    const hear = (): void => {
      memoryList.heard(session.memories.get()?.ids ?? []);
      memoryState.loadSoon();
    };
    void memoryState.load();
    const stops = [session.memories.subscribe(hear), memoryState.follow()];
    return () => {
      for (const stop of stops) stop();
    };
  }, []);
  const isOpen = memory !== null && page !== "knowledge";
  return (
    <div data-slot="memory-view" data-page={page} className="flex min-h-0 flex-1 flex-col border-t">
      <div className="flex shrink-0 items-center gap-3 border-b pr-2 pl-4 sm:pr-3">
        <Tabs page={isMemoryPage(page) ? page : "memory"} />
        <StateLine className="min-w-0 flex-1 text-right max-md:hidden" />
        {page === "knowledge" ? null : <MemoryMenu />}
      </div>
      <div
        role="tabpanel"
        id={`memory-panel-${page}`}
        aria-labelledby={`memory-tab-${page}`}
        className="flex min-h-0 flex-1"
      >
        {page === "memory" ? <ListPart hidden={isOpen} /> : null}
        {page === "map" ? <MapPart hidden={isOpen} /> : null}
        {page === "knowledge" ? children : null}
        {isOpen ? <MemoryPage key={memory} id={memory} /> : null}
      </div>
    </div>
  );
}

function Tabs({ page }: { page: Page }) {
  return (
    <div role="tablist" aria-label="Memory" className="flex gap-5">
      {TABS.map(({ id, label }) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={`memory-tab-${id}`}
          aria-selected={page === id}
          aria-controls={page === id ? `memory-panel-${id}` : undefined}
          data-slot={`memory-tab-${id}`}
          onClick={() => go({ page: id })}
          className={cn(
            "-mb-px h-10 border-transparent border-b-2 text-[13px] text-muted-foreground hover:text-foreground max-sm:h-11 max-sm:px-1",
            page === id && "border-primary text-foreground",
          )}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
