import { ArrowLeft, X } from "lucide-react";
import { useEffect, useRef } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { MemoryActions } from "@/features/memory/memory-actions";
import { MemoryAround } from "@/features/memory/memory-around";
import { MemoryFacts } from "@/features/memory/memory-facts";
import { MemoryHistory } from "@/features/memory/memory-history";
import { MemorySource } from "@/features/memory/memory-source";
import { MemoryText } from "@/features/memory/memory-text";
import { MemoryUses } from "@/features/memory/memory-uses";
import { MemoryWorth } from "@/features/memory/memory-worth";
import { useMemoryDetail } from "@/features/memory/use-memory-detail";
import { cn } from "@/lib/cn";
import { go, openMemory } from "@/lib/location";
import type { MemoryDetail } from "@/lib/memory-api";
import { dateWords } from "@/lib/memory-words";

/** All that is known of one memory: beside the list, or on a narrow screen in its place. */
export function MemoryPage({ id }: { id: string }) {
  const { detail, problem, reload } = useMemoryDetail(id);
  const pane = useRef<HTMLElement>(null);
  // It is read next; where it takes the list's place, the keyboard comes along.
  useEffect(() => {
    if (matchMedia("(max-width: 1023px)").matches) pane.current?.focus();
  }, []);
  return (
    <section
      ref={pane}
      tabIndex={-1}
      aria-label="A memory"
      data-slot="memory-page"
      data-memory={id}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        close();
      }}
      className="flex min-w-0 flex-col outline-none max-lg:flex-1 lg:w-[min(480px,42vw)] lg:shrink-0 lg:border-l"
    >
      <div className="flex h-11 shrink-0 items-center gap-1 border-b px-2">
        <Button
          variant="ghost"
          size="md"
          data-slot="memory-back"
          className="px-2 lg:hidden max-sm:h-10"
          onClick={close}
        >
          <ArrowLeft aria-hidden /> Back
        </Button>
        <div className="min-w-0 flex-1" />
        {detail === null ? null : <MemoryActions memory={detail.memory} onChanged={reload} />}
        <Tooltip label="Close" side="bottom">
          <Button
            variant="ghost"
            size="icon"
            aria-label="Close this memory"
            data-slot="memory-close"
            className="max-lg:hidden"
            onClick={close}
          >
            <X aria-hidden />
          </Button>
        </Tooltip>
      </div>
      <div
        tabIndex={0}
        role="region"
        aria-label="About this memory"
        className="min-h-0 flex-1 space-y-6 overflow-y-auto px-5 py-4 text-[13px] outline-none"
      >
        {problem === null ? null : (
          <Problem facts={problem}>
            <Button size="sm" onClick={reload}>
              Try again
            </Button>
          </Problem>
        )}
        {detail === null ? (
          problem === null ? (
            <p className="text-faint-foreground">Loading…</p>
          ) : null
        ) : (
          <Body detail={detail} reload={reload} />
        )}
      </div>
    </section>
  );
}

function close(): void {
  go({ memory: null });
}

function Body({ detail, reload }: { detail: MemoryDetail; reload: () => void }) {
  const { memory, history, uses, around } = detail;
  const superseded = detail.superseded.filter(({ validTo }) => validTo !== null);
  const merged = detail.superseded.filter(({ validTo }) => validTo === null);
  return (
    <>
      <div className="space-y-3">
        <Gone detail={detail} />
        <MemoryText memory={memory} onChanged={reload} />
      </div>
      <MemoryFacts memory={memory} onChanged={reload} />
      <OtherMemories title="It took the place of" of={superseded} gone />
      <OtherMemories title="Others that say the same" of={merged} />
      <Part title="Where it is from">
        <MemorySource memory={memory} />
        <MemoryAround memory={memory} around={around} />
      </Part>
      <Part title="Used">
        <MemoryUses uses={uses} />
      </Part>
      <Part title="What it is worth">
        <MemoryWorth memory={memory} />
      </Part>
      <Part title="History">
        <MemoryHistory memory={memory} history={history} />
      </Part>
    </>
  );
}

/** `gone`: none of them holds any more. */
function OtherMemories({
  title,
  of,
  gone = false,
}: {
  title: string;
  of: MemoryDetail["superseded"];
  gone?: boolean;
}) {
  if (of.length === 0) return null;
  return (
    <Part title={title}>
      <ul className="space-y-1">
        {of.map(({ id, text }) => (
          <li key={id}>
            <button
              type="button"
              className={cn(
                "text-left text-muted-foreground hover:text-foreground",
                gone && "line-through decoration-input",
              )}
              onClick={() => openMemory(id)}
            >
              {text}
            </button>
          </li>
        ))}
      </ul>
    </Part>
  );
}

/** That it no longer holds, and what does. */
function Gone({ detail: { memory } }: { detail: MemoryDetail }) {
  const { forgottenAt, validTo, archivedAt, supersededBy } = memory;
  if (forgottenAt !== null)
    return (
      <p data-slot="memory-gone" className="rounded-md bg-caution-tint px-3 py-2">
        Forgotten on {dateWords(forgottenAt, Date.now())}. No agent is reminded of it.
      </p>
    );
  if (validTo === null && archivedAt !== null)
    return (
      <p data-slot="memory-gone" className="rounded-md bg-caution-tint px-3 py-2">
        Archived on {dateWords(archivedAt, Date.now())}. It still holds, but no agent is reminded of it.{" "}
        {supersededBy === "" ? null : (
          <Button variant="link" size="inline" onClick={() => openMemory(supersededBy)}>
            Another says the same
          </Button>
        )}
      </p>
    );
  if (validTo === null) return null;
  return (
    <p data-slot="memory-gone" className="rounded-md bg-caution-tint px-3 py-2">
      It held until {dateWords(validTo, Date.now())}. Restored, it takes the place of what replaced it.{" "}
      {supersededBy === "" ? null : (
        <Button variant="link" size="inline" onClick={() => openMemory(supersededBy)}>
          What holds now
        </Button>
      )}
    </p>
  );
}

function Part({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section aria-label={title} className="space-y-2">
      <h2 className="font-medium">{title}</h2>
      {children}
    </section>
  );
}
