"use client";

import { ArrowLeft } from "lucide-react";
import { useEffect, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { FileIcon } from "@/features/knowledge/file-icon";
import { FileSearch } from "@/features/knowledge/file-search";
import { FileText } from "@/features/knowledge/file-text";
import { PieceList } from "@/features/knowledge/piece-list";
import { usePart } from "@/hooks/use-store";
import { factsOf } from "@/lib/api";
import { bytes } from "@/lib/format";
import { type DocumentDetail, knowledgeApi } from "@/lib/knowledge-api";
import { knowledge } from "@/lib/knowledge-list";
import { documentWords } from "@/lib/knowledge-words";
import { go } from "@/lib/location";
import { ago } from "@/lib/memory-words";
import type { ErrorFacts } from "@/lib/protocol";

const back = (): void => go({ document: null, memory: null });

/** One file as it was read: its text, and the pieces in which it is remembered. */
export function FilePage({ documentId }: { documentId: string }) {
  const { detail, problem, load } = useDetail(documentId);
  const [text, setText] = useState("");
  return (
    <article data-slot="file-page" data-document={documentId} className="flex min-h-0 flex-1 flex-col">
      <header className="flex shrink-0 items-center gap-2 border-b px-2 py-2 sm:px-4">
        <Tooltip label="All files" side="bottom">
          <Button variant="ghost" size="icon" aria-label="All files" data-slot="all-files" onClick={back}>
            <ArrowLeft aria-hidden />
          </Button>
        </Tooltip>
        {detail === null ? null : <Title detail={detail} />}
      </header>
      {problem === null ? null : (
        <div className="p-5">
          {problem.code === "unknown_document" ? (
            <div data-slot="file-removed" className="space-y-3 text-sm">
              <p>You removed this file.</p>
              <Button size="sm" onClick={back}>
                All files
              </Button>
            </div>
          ) : (
            <Problem facts={problem}>
              <Button size="sm" onClick={load}>
                Try again
              </Button>
              <Button size="sm" onClick={back}>
                All files
              </Button>
            </Problem>
          )}
        </div>
      )}
      {detail === null ? (
        problem === null ? (
          <p className="p-5 text-faint-foreground text-sm">Loading…</p>
        ) : null
      ) : (
        <div className="flex min-h-0 flex-1">
          <FileText detail={detail}>
            <FileSearch text={text} onText={setText} documentId={documentId} />
          </FileText>
          <PieceList chunks={detail.chunks} />
        </div>
      )}
    </article>
  );
}

function Title({ detail: { document } }: { detail: DocumentDetail }) {
  return (
    <div className="min-w-0 flex-1">
      <h2 className="flex items-center gap-2 font-medium text-sm">
        <FileIcon name={document.name} />
        <bdi className="truncate">{document.name}</bdi>
      </h2>
      <p className="truncate text-muted-foreground text-xs tabular-nums">
        {[
          bytes(document.bytes),
          documentWords(document),
          document.origin === "page" ? null : document.origin,
          `read ${ago(document.updatedAt, Date.now())}`,
        ]
          .filter(Boolean)
          .join(" · ")}
      </p>
    </div>
  );
}

/** The file, asked for again whenever it has changed. */
function useDetail(documentId: string): {
  detail: DocumentDetail | null;
  problem: ErrorFacts | null;
  load: () => void;
} {
  const [detail, setDetail] = useState<DocumentDetail | null>(null);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  const [times, setTimes] = useState(0);
  const version = usePart(knowledge.state, ({ documents }) => {
    const known = documents?.find(({ id }) => id === documentId);
    return known === undefined ? "" : `${known.state} ${known.updatedAt}`;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` and `times` say that there is something new
  useEffect(() => {
    const stop = new AbortController();
    knowledgeApi.read(documentId, stop.signal).then(
      (read) => {
        setDetail(read);
        setProblem(null);
      },
      (cause) => {
        if (!stop.signal.aborted) setProblem(factsOf(cause));
      },
    );
    return () => stop.abort();
  }, [documentId, version, times]);
  return { detail, problem, load: () => setTimes(times + 1) };
}
