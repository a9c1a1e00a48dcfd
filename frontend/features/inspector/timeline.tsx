import type { EntryRecord } from "@/lib/api";
import { cn } from "@/lib/cn";
import { entryWords } from "@/lib/entry-words";
import { duration } from "@/lib/format";

/** The journal in words, each entry with the time since the first. */
export function Timeline({ entries }: { entries: readonly EntryRecord[] }) {
  const first = entries[0]?.entry.at ?? 0;
  return (
    <ol data-slot="timeline" className="text-[13px]">
      {entries.map((record) => {
        const { what, detail, tone } = entryWords(record);
        return (
          <li
            key={record.seq}
            data-seq={record.seq}
            data-kind={record.entry.type}
            className="relative grid grid-cols-[1rem_1fr_auto] gap-x-2 pb-3 last:pb-0 [&:not(:last-child)]:before:absolute [&:not(:last-child)]:before:top-4 [&:not(:last-child)]:before:bottom-0 [&:not(:last-child)]:before:left-[3.5px] [&:not(:last-child)]:before:w-px [&:not(:last-child)]:before:bg-border"
          >
            <span
              aria-hidden
              className={cn(
                "mt-1.5 size-2 rounded-full bg-input",
                tone === "good" && "bg-good",
                tone === "bad" && "bg-destructive",
              )}
            />
            <div className="min-w-0">
              <p className="break-words">{what}</p>
              {detail === null ? null : <p className="break-words text-muted-foreground text-xs">{detail}</p>}
            </div>
            <span
              className="text-faint-foreground text-xs leading-5 tabular-nums"
              title={`Entry ${record.seq}`}
            >
              {record.seq === 1 ? "0 ms" : `+${duration((record.entry.at - first) * 1000)}`}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
