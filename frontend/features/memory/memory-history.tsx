import { Button } from "@/components/ui/button";
import { WordDiff } from "@/features/memory/word-diff-text";
import { openPass } from "@/lib/location";
import type { MemoryEntry, MemoryVersion } from "@/lib/memory-api";
import { ago, exactTime, type FieldChange, historyOf } from "@/lib/memory-words";

interface MemoryHistoryProps {
  memory: MemoryEntry;
  history: readonly MemoryVersion[];
}

const FIELD_NAMES: Readonly<Record<FieldChange["field"], string>> = {
  text: "Text",
  kind: "Kind",
  scope: "Whose",
  key: "Key",
  pinned: "",
};

/** Who did what to it, and when; of its text, word by word. */
export function MemoryHistory({ memory, history }: MemoryHistoryProps) {
  const now = Date.now();
  return (
    <ol data-slot="memory-history" className="space-y-2.5">
      {historyOf(memory, history).map(({ version, at, words, pass, fields }) => (
        <li key={version} data-version={version} className="space-y-1">
          <p className="flex justify-between gap-3">
            <span>
              {words}
              {pass === null ? null : (
                <Button
                  variant="link"
                  size="inline"
                  data-slot="history-pass"
                  className="ml-1.5"
                  onClick={() => openPass(pass)}
                >
                  why
                </Button>
              )}
            </span>
            <time
              title={exactTime(at)}
              className="shrink-0 text-faint-foreground text-xs leading-5 tabular-nums"
            >
              {ago(at, now)}
            </time>
          </p>
          {fields.map((change) => (
            <div key={change.field} className="border-l-2 pl-3 text-muted-foreground">
              {change.field === "text" ? (
                <WordDiff from={change.from} to={change.to} />
              ) : (
                <p>
                  {FIELD_NAMES[change.field]}{" "}
                  <del className="text-faint-foreground">{change.from || "none"}</del> →{" "}
                  <ins className="no-underline">{change.to || "none"}</ins>
                </p>
              )}
            </div>
          ))}
        </li>
      ))}
    </ol>
  );
}
