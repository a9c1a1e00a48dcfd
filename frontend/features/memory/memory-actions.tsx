import { Pin, Trash2, Undo2 } from "lucide-react";
import { ConfirmButton } from "@/components/confirm-button";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { factsOf } from "@/lib/api";
import { go } from "@/lib/location";
import { type MemoryEntry, memoryApi } from "@/lib/memory-api";
import { memoryList } from "@/lib/memory-list";
import { forgottenWords } from "@/lib/memory-words";
import { type Held, holdAgain } from "@/lib/replaced-memory";
import { session } from "@/lib/session";

interface MemoryActionsProps {
  memory: MemoryEntry;
  onChanged: () => void;
}

/** Pin, forget, bring back, delete for good. */
export function MemoryActions({ memory, onChanged }: MemoryActionsProps) {
  const { id, pinned, forgottenAt, validTo, archivedAt, source } = memory;
  const act = async (work: () => Promise<unknown>, done?: () => void): Promise<void> => {
    try {
      await work();
      memoryList.heard([id]);
      done?.();
    } catch (cause) {
      session.notices.error(factsOf(cause));
    }
  };
  const restore = (): void => void act(() => memoryApi.restore(id), onChanged);
  const recallAgain = (): void =>
    void act(
      () => memoryApi.restore(id),
      () => {
        onChanged();
        session.notices.show("Agents are reminded of it again. Refinement leaves it alone from now on.");
      },
    );
  const hold = async (): Promise<void> => {
    let held: Held | null = null;
    await act(async () => {
      held = await holdAgain(id);
    }, onChanged);
    if (held !== null) sayHeld(held);
  };
  const sayHeld = ({ words, undo }: Held): void => {
    const run = (): void => void act(undo, onChanged);
    session.notices.show(words, { action: { label: "Undo", run } });
  };
  const forget = (): void =>
    void act(
      () => memoryApi.forget(id),
      () => {
        onChanged();
        session.notices.show(forgottenWords(1, source.threadId !== ""), {
          action: { label: "Undo", run: restore },
        });
      },
    );
  const purge = (): void =>
    void act(
      () => memoryApi.purge(id),
      () => {
        go({ memory: null }, "replace");
        session.notices.show("Deleted for good.");
      },
    );
  if (forgottenAt !== null)
    return (
      <>
        <Button size="sm" data-slot="memory-restore" className="max-sm:h-9" onClick={restore}>
          <Undo2 aria-hidden className="!size-3.5" /> Restore
        </Button>
        <ConfirmButton
          size="sm"
          variant="danger"
          data-slot="memory-purge"
          className="max-sm:h-9"
          question="With its history?"
          confirm="Delete"
          onConfirm={purge}
        >
          Delete for good
        </ConfirmButton>
      </>
    );
  return (
    <>
      {validTo === null ? null : (
        <Tooltip label="It takes the place of what replaced it" side="bottom">
          <Button size="sm" data-slot="memory-restore" className="max-sm:h-9" onClick={() => void hold()}>
            <Undo2 aria-hidden className="!size-3.5" /> Restore
          </Button>
        </Tooltip>
      )}
      {validTo !== null || archivedAt === null ? null : (
        <Tooltip label="Agents are reminded of it again" side="bottom">
          <Button size="sm" data-slot="memory-restore" className="max-sm:h-9" onClick={recallAgain}>
            <Undo2 aria-hidden className="!size-3.5" /> Restore
          </Button>
        </Tooltip>
      )}
      <Tooltip label={pinned ? "Unpin" : "Pin: always preferred when it fits"} side="bottom">
        <Button
          variant="ghost"
          size="icon"
          aria-label={pinned ? "Unpin" : "Pin"}
          aria-pressed={pinned}
          data-slot="memory-pin"
          className="max-sm:size-10"
          onClick={() =>
            void act(() => memoryApi.change(id, { version: memory.version, pinned: !pinned }), onChanged)
          }
        >
          <Pin
            aria-hidden
            className={pinned ? "text-primary" : undefined}
            fill={pinned ? "currentColor" : "none"}
          />
        </Button>
      </Tooltip>
      <Tooltip label="Forget" side="bottom">
        <Button
          variant="ghost"
          size="icon"
          aria-label="Forget"
          data-slot="memory-forget"
          className="max-sm:size-10"
          onClick={forget}
        >
          <Trash2 aria-hidden />
        </Button>
      </Tooltip>
    </>
  );
}
