import { useId, useState } from "react";
import { Field } from "@/components/field";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import { panels, showAdding } from "@/features/memory/panels";
import { useStore } from "@/hooks/use-store";
import { useTask } from "@/hooks/use-task";
import { openMemory } from "@/lib/location";
import { type MemoryKind, type MemoryScope, memoryApi } from "@/lib/memory-api";
import { memoryList } from "@/lib/memory-list";
import { MEMORY_KINDS, MEMORY_SCOPES } from "@/lib/memory-query";
import { KIND_HINTS, KIND_NAMES, SCOPE_NAMES } from "@/lib/memory-words";
import { session } from "@/lib/session";

const MOST_CHARS = 8000;

/** A memory written by hand. */
export function AddMemory() {
  const { adding } = useStore(panels);
  return (
    <Dialog open={adding} onOpenChange={showAdding}>
      <DialogContent
        data-slot="add-memory-dialog"
        title="Add a memory"
        description="One thing in a sentence is found best."
        className="sm:w-[min(520px,calc(100vw-32px))]"
      >
        <Form />
      </DialogContent>
    </Dialog>
  );
}

function Form() {
  const [text, setText] = useState("");
  const [kind, setKind] = useState<MemoryKind>("semantic");
  const [scope, setScope] = useState<MemoryScope>("owner");
  const [key, setKey] = useState("");
  const { busy, problem, run } = useTask();
  const hint = useId();
  const add = (): Promise<void> =>
    run(async () => {
      const added = await memoryApi.add({ text: text.trim(), kind, scope, key: key.trim(), pinned: false });
      showAdding(false);
      memoryList.heard([added.memory.id]);
      session.notices.show(
        added.merged
          ? "This was known already. It counts once more."
          : added.superseded.length > 0
            ? "Added, in place of an older one."
            : "Added.",
        { action: { label: "Show", run: () => openMemory(added.memory.id) } },
      );
    });
  return (
    <form
      className="space-y-4 overflow-y-auto border-t px-5 py-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== "" && !busy) void add();
      }}
    >
      <textarea
        // biome-ignore lint/a11y/noAutofocus: the dialog is opened to write
        autoFocus
        rows={4}
        maxLength={MOST_CHARS}
        aria-label="What is to be remembered"
        placeholder="Nora does not eat fish."
        dir="auto"
        data-slot="new-memory-text"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }}
        className="field-sizing-content max-h-60 min-h-24 w-full resize-none rounded-md border border-input bg-transparent px-3 py-2 text-sm leading-6 outline-none placeholder:text-faint-foreground focus-visible:border-ring focus-visible:ring-2 focus-visible:ring-ring/25 max-sm:text-base"
      />
      <div className="space-y-3">
        <Field label="Kind" help={KIND_HINTS[kind]}>
          <Select value={kind} onChange={(event) => setKind(event.target.value as MemoryKind)}>
            {MEMORY_KINDS.map((each) => (
              <option key={each} value={each}>
                {KIND_NAMES[each]}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="Whose">
          <Select value={scope} onChange={(event) => setScope(event.target.value as MemoryScope)}>
            {MEMORY_SCOPES.filter((each) => each !== "private").map((each) => (
              <option key={each} value={each}>
                {SCOPE_NAMES[each]}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="Key" help="Of memories with the same key one holds at a time. It can stay empty.">
          <Input
            value={key}
            maxLength={200}
            placeholder="user.city"
            className="font-mono"
            onChange={(event) => setKey(event.target.value)}
          />
        </Field>
      </div>
      {problem === null ? null : <Problem facts={problem} />}
      <div className="flex items-center gap-2">
        <Button
          type="submit"
          variant="primary"
          data-slot="keep-memory"
          aria-describedby={hint}
          disabled={busy || text.trim() === ""}
        >
          Remember
        </Button>
        <Button variant="quiet" onClick={() => showAdding(false)}>
          Cancel
        </Button>
        <span id={hint} className="ml-auto text-faint-foreground text-xs">
          Stays on this machine.
        </span>
      </div>
    </form>
  );
}
