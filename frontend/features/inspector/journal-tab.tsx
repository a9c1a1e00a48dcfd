"use client";

import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { CopyButton } from "@/components/copy-button";
import { Select } from "@/components/ui/select";
import { usePlayhead } from "@/features/inspector/use-lens";
import { RecordProblem, useRecord } from "@/features/inspector/why-tab";
import { useView } from "@/hooks/use-session";
import type { EntryRecord } from "@/lib/api";
import { cn } from "@/lib/cn";
import { entryWords } from "@/lib/entry-words";
import { duration, plural } from "@/lib/format";
import { go } from "@/lib/location";
import { MAIN } from "@/lib/protocol";
import { compareTaskIds } from "@/lib/task-state";

function taskOf({ entry }: EntryRecord): string {
  return typeof entry.task_id === "string" ? entry.task_id : MAIN;
}

/** The journal as it is stored, entry by entry; of one task, or of one kind. */
export function JournalTab() {
  const { entries, error, again } = useRecord();
  const { task } = useView();
  const playhead = usePlayhead();
  const [kind, setKind] = useState("");
  const tasks = [...new Set(entries.map(taskOf))].sort(compareTaskIds);
  const kinds = [...new Set(entries.map(({ entry }) => entry.type))].sort();
  const shown = entries.filter(
    (record) =>
      (task === null || taskOf(record) === task) &&
      (kind === "" || record.entry.type === kind) &&
      (playhead === null || record.entry.at * 1000 <= playhead + 1),
  );
  const first = entries[0]?.entry.at ?? 0;
  return (
    <div data-slot="journal">
      <RecordProblem error={error} again={again} />
      <div className="sticky top-0 z-10 flex items-center gap-2 border-b bg-background py-1.5 pr-2 pl-5">
        <Select
          aria-label="Of which task"
          value={task ?? ""}
          onChange={(event) => go({ task: event.target.value || null }, "replace")}
        >
          <option value="">All tasks</option>
          {tasks.map((id) => (
            <option key={id} value={id}>
              {id === MAIN ? "Manager" : `Task ${id}`}
            </option>
          ))}
        </Select>
        <Select aria-label="Of which kind" value={kind} onChange={(event) => setKind(event.target.value)}>
          <option value="">All kinds</option>
          {kinds.map((each) => (
            <option key={each} value={each}>
              {each.replaceAll("_", " ")}
            </option>
          ))}
        </Select>
        <span className="ml-auto whitespace-nowrap text-faint-foreground text-xs tabular-nums">
          {plural(shown.length, "entry", "entries")}
        </span>
        <CopyButton text={() => JSON.stringify(shown, null, 2)} label="Copy these entries" />
      </div>
      <ol className="divide-y text-[13px]">
        {shown.map((record) => (
          <Entry key={record.seq} record={record} first={first} />
        ))}
      </ol>
    </div>
  );
}

function Entry({ record, first }: { record: EntryRecord; first: number }) {
  const words = entryWords(record);
  const { what, detail, tone } = words;
  const [open, setOpen] = useState(false);
  return (
    <li data-slot="entry" data-kind={record.entry.type} data-seq={record.seq}>
      <details className="group/entry" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary className="grid list-none grid-cols-[auto_2.25rem_3rem_1fr_auto] items-baseline gap-x-2 py-1.5 pr-5 pl-3.5 hover:bg-muted/60 [&::-webkit-details-marker]:hidden">
          <ChevronRight
            aria-hidden
            className="size-3 self-center text-faint-foreground transition-transform group-open/entry:rotate-90"
          />
          <span className="text-right text-faint-foreground text-xs tabular-nums">{record.seq}</span>
          <span className="truncate text-faint-foreground text-xs tabular-nums">{taskOf(record)}</span>
          <span className={cn("min-w-0 truncate", tone === "bad" && "text-destructive")}>
            {what}
            {detail === null ? null : <span className="text-muted-foreground text-xs"> {detail}</span>}
          </span>
          <span className="text-faint-foreground text-xs tabular-nums">
            +{duration((record.entry.at - first) * 1000)}
          </span>
        </summary>
        {open ? (
          <div className="relative pb-2 pl-8">
            <CopyButton text={() => JSON.stringify(record, null, 2)} className="absolute top-0 right-2" />
            <pre
              tabIndex={0}
              className="max-h-96 overflow-auto whitespace-pre-wrap break-words pr-12 font-mono text-xs leading-4"
            >
              {JSON.stringify(record.entry, null, 2)}
            </pre>
          </div>
        ) : null}
      </details>
    </li>
  );
}
