"use client";

import { useEffect, useRef } from "react";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import type { Chunk } from "@/lib/knowledge-api";
import { pieceWords } from "@/lib/knowledge-words";
import { go } from "@/lib/location";

/** Beside the text: its pieces by place. */
export function PieceList({ chunks }: { chunks: readonly Chunk[] }) {
  if (chunks.length === 0) return null;
  return (
    <nav
      aria-label="Pieces of the file"
      className="w-64 shrink-0 overflow-y-auto overscroll-contain border-l py-3 max-lg:hidden"
    >
      <h3 className="px-4 pb-1 text-muted-foreground text-xs">{plural(chunks.length, "piece")}</h3>
      <Pieces chunks={chunks} />
    </nav>
  );
}

/** To jump to a piece. */
export function Pieces({ chunks, className }: { chunks: readonly Chunk[]; className?: string }) {
  const { memory: chosen } = useView();
  const list = useRef<HTMLOListElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: brought into sight when another is chosen
  useEffect(() => {
    const mark = list.current?.querySelector("[aria-current]");
    if (mark?.checkVisibility()) mark.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <ol ref={list} data-slot="pieces" className={className}>
      {chunks.map((chunk) => (
        <li key={chunk.id} className="[contain-intrinsic-size:auto_44px] [content-visibility:auto]">
          <button
            type="button"
            data-slot="piece"
            data-piece={chunk.id}
            aria-current={chunk.id === chosen || undefined}
            onClick={() => go({ memory: chunk.id }, "replace")}
            className={cn(
              "block w-full px-4 py-1 text-left text-xs leading-[18px] outline-offset-[-2px] hover:bg-muted",
              chunk.id === chosen && "bg-primary-tint hover:bg-primary-tint",
            )}
          >
            <bdi dir="auto" className="block truncate">
              {chunk.text}
            </bdi>
            <span className="block truncate text-faint-foreground tabular-nums">{pieceWords(chunk)}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}
