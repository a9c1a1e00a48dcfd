import { ChevronDown } from "lucide-react";
import { useEffect, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { factsOf } from "@/lib/api";
import { cn } from "@/lib/cn";
import { go } from "@/lib/location";
import type { MemoryEntry } from "@/lib/memory-api";
import { ago, exactTime, utilityWords } from "@/lib/memory-words";
import type { ErrorFacts } from "@/lib/protocol";
import {
  basisWords,
  beliefWords,
  countsWords,
  heardWords,
  readWhy,
  signed,
  type Why,
  type WhyRun,
} from "@/lib/worth";

/** How much it helped, how surely, and the answers that this is known from. */
export function MemoryWorth({ memory: { id, utility, strength, uses } }: { memory: MemoryEntry }) {
  const [isOpen, setOpen] = useState(false);
  const isLearned = strength > 0;
  return (
    <div data-slot="memory-worth" className="space-y-2">
      <p className="flex flex-wrap items-baseline gap-x-2 tabular-nums">
        <span className="font-medium" data-slot="memory-utility">
          {signed(utility)}
        </span>
        <span className="text-muted-foreground">{uses === 0 ? "never told yet" : utilityWords(utility)}</span>
        <Button
          variant="quiet"
          size="sm"
          aria-expanded={isOpen}
          data-slot="why-this-number"
          className="ml-auto max-sm:h-9"
          onClick={() => setOpen(!isOpen)}
        >
          Why this number
          <ChevronDown
            aria-hidden
            className={cn(
              "!size-3 transition-transform duration-100 motion-reduce:transition-none",
              isOpen && "rotate-180",
            )}
          />
        </Button>
      </p>
      <Scale value={utility} />
      {isOpen ? <WhyThis id={id} utility={utility} isLearned={isLearned} /> : null}
    </div>
  );
}

/** From −1 to 1, with nothing in the middle. */
function Scale({ value }: { value: number }) {
  const width = 50 * Math.min(Math.abs(value), 1);
  return (
    <div aria-hidden className="relative h-1.5 overflow-hidden rounded-full bg-muted">
      <div
        className={cn("absolute inset-y-0", value < 0 ? "bg-caution" : "bg-primary")}
        style={value < 0 ? { right: "50%", width: `${width}%` } : { left: "50%", width: `${width}%` }}
      />
      <div className="absolute inset-y-0 left-1/2 w-px bg-foreground/40" />
    </div>
  );
}

function WhyThis({ id, utility, isLearned }: { id: string; utility: number; isLearned: boolean }) {
  const [why, setWhy] = useState<Why | null>(null);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  const [asked, setAsked] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again, and when its number changed
  useEffect(() => {
    const request = new AbortController();
    readWhy(`memory:${id}`, request.signal).then(
      (found) => {
        setWhy(found);
        setProblem(null);
      },
      (cause: unknown) => {
        if (!request.signal.aborted) setProblem(factsOf(cause));
      },
    );
    return () => request.abort();
  }, [id, utility, asked]);
  if (problem !== null)
    return (
      <Problem facts={problem}>
        <Button size="sm" onClick={() => setAsked((times) => times + 1)}>
          Try again
        </Button>
      </Problem>
    );
  if (why === null) return <p className="text-faint-foreground text-xs">Loading…</p>;
  return (
    <div data-slot="memory-why-number" className="space-y-2 rounded-md bg-muted/60 px-3 py-2 text-xs">
      <p className="tabular-nums">
        Answers that it was told for are worth {beliefWords(why)} of 1, with nine chances in ten.{" "}
        <span className="text-muted-foreground">{basisWords(why)}</span>
      </p>
      <p className="text-muted-foreground">
        {isLearned
          ? "Its number is how far that is from what an answer is worth of which nobody says anything, nearer to 0 the less is known."
          : "Until something is said of an answer, its number is learned from use alone: up where an answer says it again, down where not."}
      </p>
      {why.runs.length === 0 ? null : (
        <ul className="-mx-2">
          {why.runs.map((run) => (
            <RunLine key={`${run.runId}/${run.taskId}`} run={run} />
          ))}
        </ul>
      )}
      {why.total > why.runs.length ? (
        <p className="text-faint-foreground">
          These are the newest {why.runs.length} of {why.total}.
        </p>
      ) : null}
    </div>
  );
}

function RunLine({ run }: { run: WhyRun }) {
  const heard = heardWords(run);
  return (
    <li>
      <button
        type="button"
        data-slot="why-run"
        data-run={run.runId}
        disabled={run.threadId === ""}
        onClick={() => go({ page: null, thread: run.threadId, run: run.runId, inspect: true, tab: "memory" })}
        className="block w-full space-y-0.5 rounded px-2 py-1 text-left hover:bg-accent disabled:hover:bg-transparent max-sm:py-2"
      >
        <span className="flex items-baseline justify-between gap-3">
          <span className="min-w-0 flex-1 first-letter:uppercase">
            {heard === "" ? "Nothing was said of it" : heard}
          </span>
          <time title={exactTime(run.at)} className="shrink-0 text-muted-foreground tabular-nums">
            {ago(run.at, Date.now())}
          </time>
        </span>
        <span className="block text-muted-foreground tabular-nums">{countsWords(run)}</span>
      </button>
    </li>
  );
}
