import { plural } from "@/lib/format";
import type { ContextNote } from "@/lib/protocol";
import { freedTokens, freedWords, RUNG_NAMES, RUNG_REASONS, trimWords } from "@/lib/trim-words";

/** What had no room in a prompt, step by step in the order in which it was taken out, and why that. */
export function TrimList({ trims }: { trims: readonly ContextNote[] }) {
  const freed = freedTokens(trims);
  return (
    <div data-slot="trims" className="space-y-2 text-[13px]">
      <p className="text-muted-foreground">
        Not everything had room{freed > 0 ? `; what was left out made ${plural(freed, "token")} free` : ""}.
      </p>
      <ol className="space-y-2">
        {trims.map((note, at) => (
          <li
            key={at}
            data-slot="trim"
            data-rung={note.rung}
            className="grid grid-cols-[1.25rem_1fr] gap-x-1"
          >
            <span aria-hidden className="text-faint-foreground tabular-nums">
              {at + 1}
            </span>
            <div className="min-w-0 space-y-0.5">
              <p>
                {RUNG_NAMES[note.rung]}: {trimWords(note)}
                <span className="text-faint-foreground tabular-nums">
                  {freedWords(note) === null ? "" : ` · ${freedWords(note)}`}
                </span>
              </p>
              <p className="text-faint-foreground text-xs">{note.detail || RUNG_REASONS[note.rung]}</p>
              {(note.refs ?? []).length > 0 ? (
                <p className="break-words font-mono text-faint-foreground text-xs">
                  {(note.refs ?? []).slice(0, 20).join(", ")}
                  {(note.refs ?? []).length > 20 ? " …" : ""}
                </p>
              ) : null}
            </div>
          </li>
        ))}
      </ol>
    </div>
  );
}
