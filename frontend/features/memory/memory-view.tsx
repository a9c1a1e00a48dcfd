"use client";

import { type ReactNode, useEffect } from "react";
import { lazily } from "@/components/lazily";
import { ListPart } from "@/features/memory/list-part";
import { MapPart } from "@/features/memory/map-part";
import { MemoryMenu } from "@/features/memory/memory-menu";
import { MemoryPage } from "@/features/memory/memory-page";
import { StateLine } from "@/features/memory/state-line";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { go, isMemoryPage, type MemoryPage as Page, type View } from "@/lib/location";
import { memoryList } from "@/lib/memory-list";
import { memoryState } from "@/lib/memory-state";
import { session } from "@/lib/session";

const RefinementPart = lazily(() =>
  import("@/features/memory/refinement-part").then((module) => module.RefinementPart),
);

type Tab = Page | "refinement";
const TABS: readonly { id: Tab; label: string; to: Partial<View> }[] = [
  { id: "memory", label: "List", to: { page: "memory", part: null } },
  { id: "map", label: "Map", to: { page: "map" } },
  { id: "knowledge", label: "Files", to: { page: "knowledge" } },
  { id: "refinement", label: "Refinement", to: { page: "memory", part: "refinement" } },
];

/** What is remembered: as a list, as a map, how it is refined, and one memory beside it. `children`: the files, where those are shown. */
export function MemoryView({ children }: { children: ReactNode }) {
  const { page, memory, part, under, dialog } = useView();
  const tab = tabOf(page, dialog === null ? part : under);
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
        <Tabs tab={tab} />
        <StateLine className="min-w-0 flex-1 text-right max-md:hidden" />
        {page === "knowledge" ? null : <MemoryMenu />}
      </div>
      <div
        role="tabpanel"
        id={`memory-panel-${tab}`}
        aria-labelledby={`memory-tab-${tab}`}
        className="flex min-h-0 flex-1"
      >
        {tab === "memory" ? <ListPart hidden={isOpen} /> : null}
        {tab === "refinement" ? <RefinementPart hidden={isOpen} /> : null}
        {page === "map" ? <MapPart hidden={isOpen} /> : null}
        {page === "knowledge" ? children : null}
        {isOpen ? <MemoryPage key={memory} id={memory} /> : null}
      </div>
    </div>
  );
}

function tabOf(page: View["page"], part: string | null): Tab {
  if (page === "memory" && part === "refinement") return "refinement";
  return isMemoryPage(page) ? page : "memory";
}

function Tabs({ tab }: { tab: Tab }) {
  return (
    <div
      role="tablist"
      aria-label="Memory"
      className="flex min-w-0 gap-5 overflow-x-auto max-sm:gap-3 [scrollbar-width:none]"
    >
      {TABS.map(({ id, label, to }) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={`memory-tab-${id}`}
          aria-selected={tab === id}
          aria-controls={tab === id ? `memory-panel-${id}` : undefined}
          data-slot={`memory-tab-${id}`}
          onClick={() => go(to)}
          className={cn(
            "-mb-px h-10 shrink-0 border-transparent border-b-2 text-[13px] text-muted-foreground hover:text-foreground max-sm:h-11 max-sm:px-1",
            tab === id && "border-primary text-foreground",
          )}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
