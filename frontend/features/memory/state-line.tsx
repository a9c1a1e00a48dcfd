import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { memoryState } from "@/lib/memory-state";
import { countWords, indexWords } from "@/lib/memory-words";

/** How much there is, and how it can be found. */
export function StateLine({ className }: { className?: string }) {
  const { state } = useStore(memoryState.standing);
  if (state === null) return <p className={className} />;
  const index = indexWords(state);
  return (
    <p
      data-slot="memory-state"
      data-tone={index.tone}
      className={cn("truncate text-muted-foreground text-xs tabular-nums", className)}
    >
      {countWords(state)}
      <span className={cn("text-faint-foreground", index.tone === "problem" && "text-caution")}>
        {index.tone === "problem" ? " · found by words only" : ` · ${index.words}`}
      </span>
    </p>
  );
}

/** What hinders memory, with what can be done; nothing where all is well. */
export function StateProblem() {
  const { state } = useStore(memoryState.standing);
  if (state === null) return null;
  const words = state.on ? state.problem : "Memory is switched off. Agents keep nothing and recall nothing.";
  if (words === "") return null;
  return (
    <div
      data-slot="memory-problem"
      role="status"
      className="mx-4 my-3 space-y-0.5 rounded-md bg-caution-tint px-3 py-2 text-[13px]"
    >
      <p>{words}</p>
      <p className="text-muted-foreground">
        {state.on
          ? "Until then search goes by words alone. Nothing is lost, and it comes back by itself."
          : "What was kept before is still here."}
      </p>
    </div>
  );
}
