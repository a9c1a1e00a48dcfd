import { Button } from "@/components/ui/button";
import { WordDiff } from "@/features/memory/word-diff-text";

interface MemoryConflictProps {
  theirs: string;
  yours: string;
  busy: boolean;
  onKeepYours: () => void;
  onTakeTheirs: () => void;
}

/** It was changed by somebody else while it was edited: both texts, and the choice. */
export function MemoryConflict({ theirs, yours, busy, onKeepYours, onTakeTheirs }: MemoryConflictProps) {
  return (
    <div data-slot="memory-conflict" role="alert" className="space-y-3 border-caution border-l-2 py-0.5 pl-4">
      <p>It was changed while you wrote. Nothing is lost; which one is right?</p>
      <dl className="space-y-2 text-[14px] leading-6">
        <div>
          <dt className="text-faint-foreground text-xs">As it stands now</dt>
          <dd className="whitespace-pre-wrap [overflow-wrap:anywhere]">{theirs}</dd>
        </div>
        <div>
          <dt className="text-faint-foreground text-xs">Yours, against it</dt>
          <dd>
            <WordDiff from={theirs} to={yours} />
          </dd>
        </div>
      </dl>
      <div className="flex flex-wrap gap-2">
        <Button variant="primary" size="sm" data-slot="keep-yours" disabled={busy} onClick={onKeepYours}>
          Save mine
        </Button>
        <Button size="sm" data-slot="take-theirs" disabled={busy} onClick={onTakeTheirs}>
          Leave it as it stands
        </Button>
      </div>
    </div>
  );
}
