"use client";

import { useEffect, useRef } from "react";
import { PARTS, partOf } from "@/features/learning/parts";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { go } from "@/lib/location";

/** What Alma learns: what it believes, what it changes by that, and what came of it. */
export function LearningView() {
  const { part: name, dialog, under } = useView();
  const part = partOf(dialog === null ? name : under);
  const chosen = useRef<HTMLButtonElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another part is another tab, which may be out of sight
  useEffect(() => {
    chosen.current?.scrollIntoView({ block: "nearest", inline: "center" }); // a promise in newer browsers
  }, [part?.id]);
  if (part === undefined) return null;
  const { View } = part;
  return (
    <div data-slot="learning-view" className="flex min-h-0 flex-1 flex-col border-t">
      <div
        role="tablist"
        aria-label="Learning"
        className="flex shrink-0 gap-5 overflow-x-auto border-b px-4 [scrollbar-width:none] max-sm:gap-3 max-sm:pr-10 max-sm:[mask-image:linear-gradient(to_right,black_calc(100%-2.5rem),transparent)]"
      >
        {PARTS.map(({ id, label }) => (
          <button
            key={id}
            ref={part.id === id ? chosen : undefined}
            type="button"
            role="tab"
            id={`learning-tab-${id}`}
            aria-selected={part.id === id}
            aria-controls={part.id === id ? `learning-panel-${id}` : undefined}
            data-slot={`learning-tab-${id}`}
            onClick={() => go({ part: id, item: null })}
            className={cn(
              "-mb-px flex h-10 shrink-0 items-center border-transparent border-b-2 text-[13px] text-muted-foreground hover:text-foreground max-sm:h-11 max-sm:px-1",
              part.id === id && "border-primary text-foreground",
            )}
          >
            {label}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`learning-panel-${part.id}`}
        aria-labelledby={`learning-tab-${part.id}`}
        tabIndex={0}
        className="min-h-0 flex-1 overflow-y-auto overscroll-contain outline-none"
      >
        <div className="mx-auto w-full max-w-[860px] space-y-8 px-4 pt-6 pb-16 sm:px-6">
          <View />
        </div>
      </div>
    </div>
  );
}
