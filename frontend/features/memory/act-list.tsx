import { Archive, BookmarkPlus, CircleArrowDown, CircleArrowUp, Combine, Scale } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";
import { openMemory } from "@/lib/location";
import { plain } from "@/lib/memory-words";
import type { Act } from "@/lib/refinement-api";
import { actWords, fateWords, leftWords, whyWords } from "@/lib/refinement-words";

const ICONS = {
  merge: Combine,
  settle: Scale,
  promote: CircleArrowUp,
  note: BookmarkPlus,
  demote: CircleArrowDown,
  archive: Archive,
} as const;

interface ActListProps {
  acts: readonly Act[];
  /** What stands at the end of an act: how it is taken back. */
  children?: (act: Act) => ReactNode;
}

/** Acts of a pass, done or to be done: what, with which memories, and why. */
export function ActList({ acts, children }: ActListProps) {
  return (
    <ol className="space-y-3">
      {acts.map((act, at) => (
        <ActItem key={act.n || `plan-${at}`} act={act}>
          {children?.(act)}
        </ActItem>
      ))}
    </ol>
  );
}

function ActItem({ act, children }: { act: Act; children: ReactNode }) {
  const Icon = ICONS[act.what];
  const isUndone = act.undoneAt != null;
  return (
    <li
      data-slot="act"
      data-what={act.what}
      data-undone={isUndone || undefined}
      className="flex gap-3 text-[13px]"
    >
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0 text-faint-foreground" />
      <div className="min-w-0 flex-1 space-y-1">
        <div className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5">
          <h3
            className={cn("font-medium", isUndone && "text-muted-foreground line-through decoration-input")}
          >
            {actWords(act)}
          </h3>
          <span className="ml-auto">{children}</span>
        </div>
        <ul className="space-y-0.5">
          {act.memories.map(({ id, text }) => (
            <ActMemory key={id} id={id} text={text} fate={fateWords(act, id)} />
          ))}
          {(act.adds ?? []).map((text) => (
            <li key={text} className="flex gap-2 border-primary/50 border-l-2 pl-3">
              <span dir="auto" className="min-w-0 flex-1 [overflow-wrap:anywhere]">
                {plain(text)}
              </span>
              <span className="shrink-0 text-faint-foreground text-xs leading-5">new</span>
            </li>
          ))}
          {(act.added ?? []).map((id) => (
            <li key={id} className="border-primary/50 border-l-2 pl-3">
              <button type="button" className="text-primary hover:underline" onClick={() => openMemory(id)}>
                What was kept
              </button>
            </li>
          ))}
        </ul>
        <p className="text-muted-foreground text-xs">{whyWords(act)}</p>
        {act.left && act.left.length > 0 ? (
          <p data-slot="act-left" className="text-caution text-xs">
            {leftWords(act.left)}
          </p>
        ) : null}
      </div>
    </li>
  );
}

function ActMemory({ id, text, fate }: { id: string; text: string; fate: string }) {
  return (
    <li className="flex gap-2 border-l-2 pl-3">
      {text === "" ? (
        <span className="min-w-0 flex-1 text-faint-foreground">A memory that was deleted since</span>
      ) : (
        <button
          type="button"
          dir="auto"
          data-slot="act-memory"
          data-memory={id}
          className="min-w-0 flex-1 text-left [overflow-wrap:anywhere] hover:text-primary"
          onClick={() => openMemory(id)}
        >
          {plain(text)}
        </button>
      )}
      {fate === "" ? null : <span className="shrink-0 text-faint-foreground text-xs leading-5">{fate}</span>}
    </li>
  );
}
