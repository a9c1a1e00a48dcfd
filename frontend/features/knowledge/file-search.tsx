"use client";

import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Problem } from "@/components/problem";
import { RecallReasons, ScoreBar } from "@/components/recall-reasons";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { FileIcon } from "@/features/knowledge/file-icon";
import { factsOf } from "@/lib/api";
import { plural } from "@/lib/format";
import { type FoundPiece, knowledgeApi } from "@/lib/knowledge-api";
import { knowledge } from "@/lib/knowledge-list";
import { go } from "@/lib/location";
import type { ErrorFacts } from "@/lib/protocol";
import { factsOfFound } from "@/lib/recall-reasons";

interface FileSearchProps {
  text: string;
  onText: (text: string) => void;
  /** Only in this file; `null`: in all. */
  documentId: string | null;
}

const PAUSE_MS = 200;

/** Looks in what was read from files, and in nothing else. */
export function FileSearch({ text, onText, documentId }: FileSearchProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <search className="space-y-3">
      <div className="relative">
        <Search
          aria-hidden
          className="pointer-events-none absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-faint-foreground"
        />
        <Input
          ref={input}
          data-slot="file-search"
          value={text}
          aria-label={documentId === null ? "Search in all files" : "Search in this file"}
          placeholder={documentId === null ? "Search in all files" : "Search in this file"}
          className="pr-9 pl-8"
          onChange={(event) => onText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || text === "") return;
            event.stopPropagation();
            onText("");
          }}
        />
        {text === "" ? null : (
          <Button
            variant="ghost"
            size="icon-sm"
            aria-label="Clear the search"
            className="absolute top-1/2 right-0.5 -translate-y-1/2"
            onClick={() => {
              onText("");
              input.current?.focus();
            }}
          >
            <X aria-hidden />
          </Button>
        )}
      </div>
      {text.trim() === "" ? null : <Hits text={text.trim()} documentId={documentId} />}
    </search>
  );
}

interface Answer {
  readonly text: string;
  readonly found: readonly FoundPiece[];
  readonly dense: boolean;
  readonly error: ErrorFacts | null;
}

function useAnswer(text: string, documentId: string | null): Answer | null {
  const [answer, setAnswer] = useState<Answer | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const within = documentId === null ? knowledge.ids() : [documentId];
        const none = { memories: [], dense: true };
        const { memories: found, dense = true } =
          within.length === 0 ? none : await knowledgeApi.search(text, within, stop.signal);
        setAnswer({ text, found, dense, error: null });
      } catch (cause) {
        if (!stop.signal.aborted) setAnswer({ text, found: [], dense: true, error: factsOf(cause) });
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text, documentId]);
  return answer;
}

function Hits({ text, documentId }: Pick<FileSearchProps, "text" | "documentId">) {
  const answer = useAnswer(text, documentId);
  if (answer === null) return <p className="text-faint-foreground text-xs">Searching…</p>;
  if (answer.error !== null) return <Problem facts={answer.error} />;
  const best = answer.found[0]?.score ?? 0;
  return (
    <section aria-label="What was found" aria-live="polite">
      <p className="border-b pb-2 text-muted-foreground text-xs">
        {answer.found.length === 0
          ? `Nothing in ${documentId === null ? "the files" : "this file"} fits “${answer.text}”.`
          : plural(answer.found.length, "place")}
        {answer.dense ? "" : " · by words only: the embedder is not ready"}
      </p>
      <ul data-slot="file-hits">
        {answer.found.map((found) => (
          <Hit key={found.memory.id} found={found} best={best} />
        ))}
      </ul>
    </section>
  );
}

function Hit({ found: { memory, score, reasons }, best }: { found: FoundPiece; best: number }) {
  const { file, place, documentId } = memory.source;
  return (
    <li data-slot="file-hit" data-memory={memory.id} className="border-b py-2.5">
      <button
        type="button"
        className="group/hit block w-full space-y-1 text-left"
        onClick={() => go({ document: documentId, memory: memory.id })}
      >
        <span className="flex items-center gap-2 text-xs">
          <FileIcon name={file} className="size-3.5" />
          <bdi className="min-w-0 truncate font-medium group-hover/hit:text-primary">{file}</bdi>
          <bdi className="min-w-0 truncate text-muted-foreground">{place}</bdi>
          {score == null ? null : <ScoreBar score={score} best={best} className="ml-auto shrink-0" />}
        </span>
        <span dir="auto" className="line-clamp-3 whitespace-pre-line break-words text-[13px] leading-5">
          {memory.text}
        </span>
      </button>
      {score != null && reasons != null ? (
        <details className="mt-1 text-xs">
          <summary className="w-fit text-faint-foreground hover:text-foreground">Why it came</summary>
          <RecallReasons facts={factsOfFound(score, reasons)} className="mt-1 ml-3" />
        </details>
      ) : null}
    </li>
  );
}
