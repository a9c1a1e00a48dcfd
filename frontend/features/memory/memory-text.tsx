import { Pencil } from "lucide-react";
import { useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { MemoryConflict } from "@/features/memory/memory-conflict";
import { useTask } from "@/hooks/use-task";
import { ApiProblem } from "@/lib/api";
import { type MemoryEntry, memoryApi } from "@/lib/memory-api";
import { memoryList } from "@/lib/memory-list";
import { isOfFile } from "@/lib/memory-words";

const MOST_CHARS = 8000;

interface MemoryTextProps {
  memory: MemoryEntry;
  onChanged: () => void;
}

/** What it says; a click changes it in place, but where a file says it. */
export function MemoryText({ memory, onChanged }: MemoryTextProps) {
  // With the version that was on the screen when the writing began: a newer one must not be overwritten unseen.
  const [draft, setDraft] = useState<{ text: string; version: number } | null>(null);
  const [newer, setNewer] = useState<MemoryEntry | null>(null);
  const { busy, problem, run, forget } = useTask();
  const end = (): void => {
    setDraft(null);
    setNewer(null);
    forget();
  };
  const save = (text: string, version: number): Promise<void> =>
    run(async () => {
      try {
        await memoryApi.change(memory.id, { version, text: text.trim() });
      } catch (cause) {
        if (!(cause instanceof ApiProblem) || cause.facts.code !== "changed_meanwhile") throw cause;
        setNewer((await memoryApi.read(memory.id)).memory);
        return;
      }
      memoryList.heard([memory.id]);
      end();
      onChanged();
    });
  if (draft === null)
    return (
      <div className="group relative">
        <p
          dir="auto"
          data-slot="memory-text"
          className="whitespace-pre-wrap text-[16px] leading-6 tracking-[-0.006em] [overflow-wrap:anywhere]"
        >
          {memory.text}
        </p>
        {isOfFile(memory) ? (
          <p data-slot="memory-of-file" className="mt-1 text-faint-foreground text-xs">
            These are the words of the file; they change when it does.
          </p>
        ) : memory.forgottenAt === null ? (
          <Button
            variant="quiet"
            size="sm"
            data-slot="memory-edit"
            className="-ml-2 mt-1 max-sm:h-9"
            onClick={() => setDraft({ text: memory.text, version: memory.version })}
          >
            <Pencil aria-hidden className="!size-3" /> Edit
          </Button>
        ) : null}
      </div>
    );
  if (newer !== null)
    return (
      <MemoryConflict
        theirs={newer.text}
        yours={draft.text}
        busy={busy}
        onKeepYours={() => void save(draft.text, newer.version)}
        onTakeTheirs={() => {
          end();
          onChanged();
        }}
      />
    );
  const isSame = draft.text.trim() === memory.text || draft.text.trim() === "";
  return (
    <form
      className="space-y-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy && !isSame) void save(draft.text, draft.version);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.preventDefault();
          end();
        } else if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
          event.preventDefault();
          event.currentTarget.requestSubmit();
        }
      }}
    >
      <textarea
        // biome-ignore lint/a11y/noAutofocus: it was opened to be written in
        autoFocus
        aria-label="What it says"
        dir="auto"
        data-slot="memory-draft"
        maxLength={MOST_CHARS}
        value={draft.text}
        onChange={(event) => setDraft({ ...draft, text: event.target.value })}
        className="field-sizing-content min-h-20 w-full resize-none rounded-md border border-input bg-transparent px-3 py-2 text-[16px] leading-6 outline-none focus-visible:border-ring focus-visible:ring-2 focus-visible:ring-ring/25"
      />
      {problem === null ? null : <Problem facts={problem} />}
      <div className="flex gap-2">
        <Button type="submit" variant="primary" data-slot="memory-save" disabled={busy || isSame}>
          Save
        </Button>
        <Button variant="quiet" data-slot="memory-cancel" onClick={end}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
