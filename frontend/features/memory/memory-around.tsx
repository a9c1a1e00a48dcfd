import { cn } from "@/lib/cn";
import { openMemory } from "@/lib/location";
import type { MemoryEntry } from "@/lib/memory-api";
import { authorWords, plain } from "@/lib/memory-words";

interface MemoryAroundProps {
  memory: MemoryEntry;
  around: readonly MemoryEntry[];
}

/** What was said, or stands, before and after it. */
export function MemoryAround({ memory, around }: MemoryAroundProps) {
  if (around.length === 0) return null;
  const all = [...around, memory].sort((one, other) => one.position - other.position);
  return (
    <ol data-slot="memory-around" aria-label="What stands around it" className="border-l-2">
      {all.map((each) => {
        const isIt = each.id === memory.id;
        return (
          <li key={each.id}>
            <button
              type="button"
              dir="auto"
              disabled={isIt}
              aria-current={isIt ? "true" : undefined}
              onClick={() => openMemory(each.id)}
              className={cn(
                "block w-full rounded-r px-3 py-1 text-start leading-5 [overflow-wrap:anywhere]",
                isIt ? "bg-primary-tint" : "text-muted-foreground hover:bg-accent/50 hover:text-foreground",
              )}
            >
              {each.speaker === "" ? null : (
                <span className="text-faint-foreground">{authorWords(each.speaker)}: </span>
              )}
              {plain(each.text)}
            </button>
          </li>
        );
      })}
    </ol>
  );
}
