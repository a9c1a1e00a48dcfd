import { Trash2 } from "lucide-react";
import { Button } from "@/components/ui/button";
import { forgetMany } from "@/features/memory/forget-many";
import { useStore } from "@/hooks/use-store";
import { count } from "@/lib/format";
import type { FoundMemory } from "@/lib/memory-api";
import { memoryChoice } from "@/lib/memory-choice";

/** How many of the shown are chosen, and what can be done with them; nothing where nothing is being chosen. */
export function ChoiceBar({ shown }: { shown: readonly FoundMemory[] }) {
  const choice = useStore(memoryChoice);
  if (choice === null) return null;
  const ids = shown.map(({ memory }) => memory.id);
  const chosen = ids.filter((id) => choice.has(id));
  const areAll = chosen.length === ids.length;
  return (
    <div
      data-slot="choice-bar"
      className="sticky top-0 z-10 flex items-center gap-3 border-b bg-background px-4 py-1.5 text-[13px] tabular-nums"
    >
      <p aria-live="polite" className="flex-1">
        {count(chosen.length)} chosen
      </p>
      <Button
        variant="quiet"
        size="sm"
        className="max-sm:h-9"
        onClick={() => memoryChoice.set(new Set(areAll ? [] : ids))}
      >
        {areAll ? "Choose none" : "Choose all shown"}
      </Button>
      <Button
        variant="danger"
        size="sm"
        disabled={chosen.length === 0}
        data-slot="forget-chosen"
        className="max-sm:h-9"
        onClick={async () => {
          if (await forgetMany(chosen)) memoryChoice.set(null);
        }}
      >
        <Trash2 aria-hidden className="!size-3.5" /> Forget {count(chosen.length)}
      </Button>
    </div>
  );
}
