import { useEffect } from "react";
import { FilterChips } from "@/features/memory/filter-chips";
import { MemoryRows } from "@/features/memory/memory-rows";
import { SearchField } from "@/features/memory/search-field";
import { StateLine, StateProblem } from "@/features/memory/state-line";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { memoryList } from "@/lib/memory-list";
import { parseFilters } from "@/lib/memory-query";

/** All memories: searched, narrowed, newest first. `hidden`: one of them is read, and there is no room for both. */
export function ListPart({ hidden }: { hidden: boolean }) {
  const { find } = useView();
  useEffect(() => memoryList.show(parseFilters(find)), [find]);
  return (
    <section
      aria-label="List of memories"
      className={cn("flex min-w-0 flex-1 flex-col", hidden && "max-lg:hidden")}
    >
      <div className="mx-auto w-full max-w-4xl shrink-0 space-y-2 px-4 pt-3 pb-2">
        <SearchField />
        <FilterChips />
        <StateLine className="md:hidden" />
      </div>
      <StateProblem />
      <MemoryRows />
    </section>
  );
}
