import { Download, Ellipsis, Plus, RefreshCw, Upload } from "lucide-react";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { Tooltip } from "@/components/ui/tooltip";
import { AddMemory } from "@/features/memory/add-memory";
import { ImportMemories } from "@/features/memory/import-memories";
import { showAdding, showImporting } from "@/features/memory/panels";
import { factsOf } from "@/lib/api";
import { EXPORT_ADDRESS, memoryApi } from "@/lib/memory-api";
import { memoryState } from "@/lib/memory-state";
import { session } from "@/lib/session";

async function reindex(): Promise<void> {
  try {
    memoryState.set(await memoryApi.reindex());
    session.notices.show("The index is built anew. Search goes on meanwhile.");
  } catch (cause) {
    session.notices.error(factsOf(cause));
  }
}

function download(): void {
  const link = document.createElement("a");
  link.href = EXPORT_ADDRESS;
  link.download = `alma-memories-${new Date().toISOString().slice(0, 10)}.jsonl`;
  link.click();
  session.notices.show("All memories are in the file, also those that were replaced or forgotten.");
}

/** What can be done with memory as a whole. */
export function MemoryMenu() {
  return (
    <div className="ml-auto flex shrink-0 items-center gap-1">
      <Tooltip label="Add a memory" side="bottom">
        <Button
          variant="ghost"
          size="icon"
          aria-label="Add a memory"
          data-slot="add-memory"
          className="max-sm:size-10"
          onClick={() => showAdding(true)}
        >
          <Plus aria-hidden />
        </Button>
      </Tooltip>
      <DropdownMenu>
        <Tooltip label="More" side="bottom">
          <DropdownMenuTrigger asChild>
            <Button
              variant="ghost"
              size="icon"
              aria-label="More"
              data-slot="memory-menu"
              className="max-sm:size-10"
            >
              <Ellipsis aria-hidden />
            </Button>
          </DropdownMenuTrigger>
        </Tooltip>
        <DropdownMenuContent align="end">
          <DropdownMenuItem data-slot="export-memories" onSelect={download}>
            <Download aria-hidden /> Export all as JSONL
          </DropdownMenuItem>
          <DropdownMenuItem data-slot="import-memories" onSelect={() => showImporting(true)}>
            <Upload aria-hidden /> Import
          </DropdownMenuItem>
          <DropdownMenuSeparator />
          <DropdownMenuItem data-slot="reindex" onSelect={() => void reindex()}>
            <RefreshCw aria-hidden /> Build the index anew
          </DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
      <AddMemory />
      <ImportMemories />
    </div>
  );
}
