"use client";

import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Pieces } from "@/features/knowledge/piece-list";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { cutText, type SpanWindow, type TextSpan, windowAround } from "@/lib/document-text";
import { plural } from "@/lib/format";
import type { Chunk, DocumentDetail } from "@/lib/knowledge-api";
import { pieceWords } from "@/lib/knowledge-words";
import { go, openMemory } from "@/lib/location";

/** The text with its pieces marked where they begin; the one in the address is lit, and brought into sight. */
export function FileText({
  detail: { text, chunks },
  children,
}: {
  detail: DocumentDetail;
  children: ReactNode;
}) {
  const { memory: chosen } = useView();
  const spans = useMemo(() => cutText(text, chunks), [text, chunks]);
  const byId = useMemo(() => new Map(chunks.map((chunk) => [chunk.id, chunk])), [chunks]);
  const chosenAt = spans.findIndex(({ pieces }) => chosen !== null && pieces.includes(chosen));
  const [shown, setShown] = useState<SpanWindow>(() => windowAround(spans.length, Math.max(0, chosenAt)));
  const [over, setOver] = useState<string | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const { from, to } =
    chosenAt >= 0 && (chosenAt < shown.from || chosenAt >= shown.to)
      ? windowAround(spans.length, chosenAt)
      : shown;
  // biome-ignore lint/correctness/useExhaustiveDependencies: brought into sight when another is chosen, or the text came
  useEffect(() => {
    const mark = scroller.current?.querySelector("[data-chosen]");
    mark?.scrollIntoView({ block: "center" });
  }, [chosen, spans]);
  const lit = over ?? chosen;
  return (
    <div
      ref={scroller}
      data-slot="file-text"
      tabIndex={0}
      role="region"
      aria-label="The text of the file"
      className="relative min-w-0 flex-1 overflow-y-auto overscroll-contain outline-offset-[-2px]"
    >
      <div className="mx-auto max-w-[740px] space-y-4 px-5 pt-4 pb-24 sm:px-8">
        {children}
        <NarrowPieces chunks={chunks} />
        <Chosen chunk={byId.get(chosen ?? "")} missing={chosen !== null && !byId.has(chosen)} />
        {from > 0 ? (
          <Button size="sm" onClick={() => setShown({ from: Math.max(0, from - 400), to })}>
            What comes before
          </Button>
        ) : null}
        <div
          dir="auto"
          className="whitespace-pre-wrap break-words text-[14px] leading-6 [unicode-bidi:plaintext]"
          onPointerLeave={() => setOver(null)}
        >
          {spans.slice(from, to).map((span, at) => (
            <Span
              key={from + at}
              span={span}
              chunk={byId.get(span.pieces.at(-1) ?? "")}
              lit={lit !== null && span.pieces.includes(lit)}
              chosen={from + at === chosenAt}
              onOver={setOver}
            />
          ))}
        </div>
        {to < spans.length ? (
          <Button size="sm" onClick={() => setShown({ from, to: Math.min(spans.length, to + 400) })}>
            What comes after
          </Button>
        ) : null}
        {text === "" ? <p className="text-[13px] text-muted-foreground">There is no text in it.</p> : null}
      </div>
    </div>
  );
}

/** Where there is no room beside the text. */
function NarrowPieces({ chunks }: { chunks: readonly Chunk[] }) {
  const [open, setOpen] = useState(false);
  if (chunks.length === 0) return null;
  return (
    <details className="text-xs lg:hidden" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="w-fit text-muted-foreground hover:text-foreground">
        {plural(chunks.length, "piece")}
      </summary>
      {open ? <Pieces chunks={chunks} className="mt-1 max-h-72 overflow-y-auto rounded-md border" /> : null}
    </details>
  );
}

interface SpanProps {
  span: TextSpan;
  chunk: Chunk | undefined;
  lit: boolean;
  /** It is where the chosen piece begins. */
  chosen: boolean;
  onOver: (id: string | null) => void;
}

function Span({ span, chunk, lit, chosen, onOver }: SpanProps) {
  if (chunk === undefined) return <span className="text-muted-foreground">{span.text}</span>;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list of pieces does the same by keyboard
    // biome-ignore lint/a11y/noStaticElementInteractions: text stays text, also where it can be pressed
    <span
      data-slot="piece-text"
      data-piece={chunk.id}
      data-chosen={chosen || undefined}
      data-tip={pieceWords(chunk)}
      onPointerEnter={() => onOver(chunk.id)}
      onClick={() => {
        if (window.getSelection()?.isCollapsed ?? true) go({ memory: chunk.id }, "replace");
      }}
      className={cn("transition-colors", lit && "bg-primary-tint")}
    >
      {span.begins.length > 0 ? <Mark lit={lit} /> : null}
      {span.text}
    </span>
  );
}

/** Where a piece begins. */
function Mark({ lit }: { lit: boolean }) {
  return (
    <span
      aria-hidden
      className={cn(
        "me-1 inline-block h-3 w-[3px] rounded-full align-[-1px]",
        lit ? "bg-primary" : "bg-input",
      )}
    />
  );
}

function Chosen({ chunk, missing }: { chunk: Chunk | undefined; missing: boolean }) {
  if (missing)
    return (
      <p data-slot="piece-gone" className="text-[13px] text-caution">
        The place that was linked to is not there any more: the file has changed since.
      </p>
    );
  if (chunk === undefined) return null;
  return (
    <p
      data-slot="chosen-piece"
      className="-mx-5 sm:-mx-8 sticky top-0 z-10 flex flex-wrap items-center gap-x-3 border-b bg-background px-5 py-2 text-xs sm:px-8"
    >
      <span className="text-muted-foreground">{pieceWords(chunk)}</span>
      <Button variant="link" size="inline" className="text-xs" onClick={() => openMemory(chunk.id)}>
        As a memory
      </Button>
      <Button
        variant="quiet"
        size="inline"
        className="text-xs"
        onClick={() => go({ memory: null }, "replace")}
      >
        Unmark
      </Button>
    </p>
  );
}
