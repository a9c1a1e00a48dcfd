import { Brain } from "lucide-react";
import { Button } from "@/components/ui/button";
import { showAdding } from "@/features/memory/panels";
import { useStore } from "@/hooks/use-store";
import { plural } from "@/lib/format";
import { go } from "@/lib/location";
import { ALL_MEMORIES, formatFilters, isNarrowed, type MemoryFilters, type Origin } from "@/lib/memory-query";
import { memoryState } from "@/lib/memory-state";

/** Nothing is remembered yet: what memory is, and how it comes about. */
export function EmptyMemory({ origin = "notes" }: { origin?: Origin }) {
  const inFiles = useStore(memoryState.standing).state?.counts.inFiles ?? 0;
  if (origin !== "all" && inFiles > 0) return <OnlyFiles inFiles={inFiles} />;
  return (
    <div
      data-slot="empty-memory"
      className="mx-auto max-w-lg space-y-5 px-6 py-14 text-[14px] leading-6 max-sm:py-8"
    >
      <Brain aria-hidden className="size-7 text-primary" strokeWidth={1.5} />
      <div className="space-y-1">
        <h2 className="font-semibold text-lg tracking-[-0.011em]">Nothing is remembered yet</h2>
        <p className="text-muted-foreground">
          Alma keeps what you say of yourself, what its agents found out, and how you like things done. It is
          reminded of it when that helps, and shows you why.
        </p>
      </div>
      <ul className="space-y-2 border-l-2 pl-4 text-muted-foreground">
        <li>
          <span className="text-foreground">It fills by itself.</span> Talk to Alma, and look here again.
        </li>
        <li>
          <span className="text-foreground">It is yours.</span> Read, change, pin or forget every single
          memory.
        </li>
        <li>
          <span className="text-foreground">It stays here.</span> All of it is in a file on this machine.
        </li>
      </ul>
      <div className="flex flex-wrap gap-2">
        <Button variant="primary" onClick={() => showAdding(true)}>
          Add a memory
        </Button>
        <Button onClick={() => go({ page: "knowledge" })}>Read a file</Button>
      </div>
    </div>
  );
}

/** Files were read, and nothing else is remembered. */
function OnlyFiles({ inFiles }: { inFiles: number }) {
  const find = formatFilters({ ...ALL_MEMORIES, origin: "files" });
  return (
    <div data-slot="only-files" className="space-y-3 px-4 py-8 text-[13px]">
      <p>Nothing is remembered from chats yet. Of your files Alma knows {plural(inFiles, "piece")}.</p>
      <Button size="sm" onClick={() => go({ find }, "replace")}>
        Show pieces of files
      </Button>
    </div>
  );
}

/** Nothing fits; what may be in the way. */
export function NothingFound({ filters, dense }: { filters: MemoryFilters; dense: boolean }) {
  const text = filters.text.trim();
  const inFiles = useStore(memoryState.standing).state?.counts.inFiles ?? 0;
  return (
    <div data-slot="nothing-found" className="space-y-3 px-4 py-8 text-[13px]">
      <p>{text === "" ? "No memory is like that." : `Nothing is remembered about “${text}”.`}</p>
      {text !== "" && !dense ? (
        <p className="text-muted-foreground">Only words were searched just now. Another word may find it.</p>
      ) : null}
      {filters.origin === "notes" && inFiles > 0 ? (
        <Button
          size="sm"
          data-slot="search-files-too"
          className="mr-2"
          onClick={() => go({ find: formatFilters({ ...filters, origin: "all" }) }, "replace")}
        >
          Search pieces of files too
        </Button>
      ) : null}
      {isNarrowed(filters) ? (
        <Button
          size="sm"
          onClick={() => go({ find: formatFilters({ ...ALL_MEMORIES, text: filters.text }) }, "replace")}
        >
          Search without filters
        </Button>
      ) : null}
    </div>
  );
}
