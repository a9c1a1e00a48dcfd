import { Button } from "@/components/ui/button";
import { Author } from "@/features/memory/author";
import { openMemory } from "@/lib/location";
import type { MemoryEntry } from "@/lib/memory-api";
import { ago, exactTime, plain } from "@/lib/memory-words";
import { refinement } from "@/lib/refinement";
import type { Contradiction } from "@/lib/refinement-api";
import { matterWords } from "@/lib/refinement-words";
import { session } from "@/lib/session";

interface ContradictionCardProps {
  contradiction: Contradiction;
  isBusy: boolean;
}

async function settle(key: string, holds: string | null): Promise<void> {
  const pass = await refinement.settle(key, holds);
  if (pass === null) return;
  session.notices.show(
    holds === null ? "All of them hold from now on." : "Settled. What gave way is kept as replaced.",
    {
      action: { label: "Undo", run: () => void refinement.undo(pass.id) },
    },
  );
}

/** What cannot all be true, the newest first, with a button for each way to settle it. */
export function ContradictionCard({ contradiction: { key, memories }, isBusy }: ContradictionCardProps) {
  const matter = matterWords(key);
  const isPair = memories.length === 2;
  return (
    <li data-slot="contradiction" data-key={key} className="rounded-md border">
      <div className="flex flex-wrap items-center justify-between gap-2 px-4 py-2.5">
        <h3 className="font-medium text-[13px]">
          About <span dir="auto">{matter}</span>
        </h3>
        <Button
          variant="quiet"
          size="sm"
          data-slot="all-hold"
          disabled={isBusy}
          className="-mr-2 max-sm:h-9"
          data-tip="They are about different things"
          onClick={() => void settle(key, null)}
        >
          {isPair ? "Both hold" : "All of them hold"}
        </Button>
      </div>
      <ul className="divide-y border-t">
        {memories.map((memory) => (
          <Side key={memory.id} memory={memory} isBusy={isBusy} onHold={() => void settle(key, memory.id)} />
        ))}
      </ul>
    </li>
  );
}

function Side({ memory, isBusy, onHold }: { memory: MemoryEntry; isBusy: boolean; onHold: () => void }) {
  const text = `contradiction-${memory.id}`;
  return (
    <li className="flex items-start gap-3 px-4 py-2.5 text-[13px]">
      <div className="min-w-0 flex-1 space-y-0.5">
        <button
          type="button"
          dir="auto"
          id={text}
          className="text-left [overflow-wrap:anywhere] hover:text-primary"
          onClick={() => openMemory(memory.id)}
        >
          {plain(memory.text)}
        </button>
        <p className="flex flex-wrap items-center gap-x-1.5 text-muted-foreground text-xs">
          <Author memory={memory} />
          <span aria-hidden>·</span>
          <time title={exactTime(memory.validFrom)}>{ago(memory.validFrom, Date.now())}</time>
        </p>
      </div>
      <Button
        size="sm"
        data-slot="this-holds"
        aria-describedby={text}
        disabled={isBusy}
        className="max-sm:h-9"
        onClick={onHold}
      >
        This holds
      </Button>
    </li>
  );
}
