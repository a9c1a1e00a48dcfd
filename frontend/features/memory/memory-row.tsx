import { ChevronDown, Pin } from "lucide-react";
import { memo, useState } from "react";
import { RecallReasons, ScoreBar } from "@/components/recall-reasons";
import { Button } from "@/components/ui/button";
import { Author } from "@/features/memory/author";
import { MarkedText } from "@/features/memory/marked-text";
import { useThreadTitle } from "@/hooks/use-thread-title";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import { addressOf, go, location } from "@/lib/location";
import type { FoundMemory } from "@/lib/memory-api";
import { toggleChosen } from "@/lib/memory-choice";
import {
  ago,
  exactTime,
  KIND_NAMES,
  lifeOf,
  plain,
  STATE_NAMES,
  sourceWords,
  wordsOf,
} from "@/lib/memory-words";
import { factsOfFound, reasonsLine } from "@/lib/recall-reasons";

interface MemoryRowProps {
  found: FoundMemory;
  /** The score of the best of the list. */
  best: number;
  query: string;
  isOpen: boolean;
  /** `null`: nothing is being chosen. */
  isChosen: boolean | null;
}

/** A memory in the list: what it says, whose it is, where from; of a search also how well it fits, and why. */
export const MemoryRow = memo(function MemoryRow(props: MemoryRowProps) {
  const { found, best, query, isOpen, isChosen } = props;
  const { memory, score, reasons } = found;
  const [isWhy, setWhy] = useState(false);
  const title = useThreadTitle(memory.source.threadId);
  const facts = score != null && reasons != null ? factsOfFound(score, reasons) : null;
  const words = reasons?.words ?? (query === "" ? [] : wordsOf(query));
  const life = lifeOf(memory);
  const why = `memory-why-${memory.id}`;
  const text = `memory-text-${memory.id}`;
  return (
    <li
      data-slot="memory-row"
      data-memory={memory.id}
      className={cn(
        "border-b [contain-intrinsic-size:auto_76px] [content-visibility:auto]",
        isOpen && "bg-accent/60",
      )}
    >
      <div className={cn("relative px-4 py-2.5 hover:bg-accent/40", isChosen !== null && "pl-11")}>
        {isChosen === null ? null : (
          <input
            type="checkbox"
            aria-label="Choose"
            aria-describedby={text}
            data-slot="memory-choose"
            checked={isChosen}
            onChange={() => toggleChosen(memory.id)}
            className="absolute top-3.5 left-4 z-[1] size-4 accent-primary"
          />
        )}
        <a
          dir="auto"
          id={text}
          href={addressOf({ ...location.get(), memory: memory.id })}
          data-slot="memory-open"
          aria-current={isOpen ? "true" : undefined}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return;
            event.preventDefault();
            if (isChosen === null) go({ memory: memory.id });
            else toggleChosen(memory.id);
          }}
          className={cn(
            "line-clamp-2 text-[14px] leading-5 [overflow-wrap:anywhere] after:absolute after:inset-0",
            life !== null && "text-muted-foreground",
            life !== null && life !== "archived" && "line-through decoration-input",
          )}
        >
          <MarkedText text={plain(memory.text)} words={words} />
        </a>
        <div className="mt-1 flex items-center gap-3 max-sm:items-end text-muted-foreground text-xs">
          <p className="flex min-w-0 flex-1 flex-wrap items-center gap-y-0.5 *:before:inline-block *:before:w-4 *:before:shrink-0 *:before:text-center *:before:text-faint-foreground *:before:content-['·'] -ml-4 [clip-path:inset(0_0_0_16px)]">
            <span className="inline-flex items-center">
              {memory.pinned ? (
                <Pin
                  aria-label="Pinned"
                  role="img"
                  className="mr-1.5 size-3 text-primary"
                  fill="currentColor"
                />
              ) : null}
              <Author memory={memory} />
            </span>
            <span>{KIND_NAMES[memory.kind]}</span>
            {life === null ? null : <span className="text-caution">{STATE_NAMES[life]}</span>}
            <span className="max-w-full truncate">{sourceWords(memory, title)}</span>
            <time title={exactTime(memory.createdAt)}>{ago(memory.createdAt, Date.now())}</time>
            {memory.uses > 0 ? <span>used {plural(memory.uses, "time")}</span> : null}
          </p>
          {facts === null ? null : (
            <span className="relative inline-flex shrink-0 items-center gap-2">
              <ScoreBar score={facts.score} best={best} />
              <Button
                variant="quiet"
                size="sm"
                aria-expanded={isWhy}
                aria-controls={why}
                data-slot="memory-why"
                data-tip={reasonsLine(facts)}
                className="-mr-1 h-6 px-1 max-sm:-my-2 max-sm:h-9 max-sm:px-2"
                onClick={() => setWhy(!isWhy)}
              >
                Why
                <ChevronDown
                  aria-hidden
                  className={cn("!size-3 transition-transform duration-100", isWhy && "rotate-180")}
                />
              </Button>
            </span>
          )}
        </div>
        {facts !== null && isWhy ? (
          <div id={why} className="relative mt-2 rounded-md bg-muted/60 px-3 py-2">
            <RecallReasons facts={facts} />
          </div>
        ) : null}
      </div>
    </li>
  );
});
