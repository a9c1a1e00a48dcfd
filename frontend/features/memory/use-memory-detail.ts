import { useCallback, useEffect, useState } from "react";
import { factsOf } from "@/lib/api";
import { type MemoryDetail, memoryApi } from "@/lib/memory-api";
import type { ErrorFacts } from "@/lib/protocol";
import { session } from "@/lib/session";

interface Known {
  readonly detail: MemoryDetail | null;
  readonly problem: ErrorFacts | null;
  readonly reload: () => void;
}

/** A memory, asked for again whenever the server says that it changed. */
export function useMemoryDetail(id: string): Known {
  const [detail, setDetail] = useState<MemoryDetail | null>(null);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  const [asked, setAsked] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` is when, not what
  useEffect(() => {
    const request = new AbortController();
    memoryApi.read(id, request.signal).then(
      (found) => {
        setDetail(found);
        setProblem(null);
      },
      (cause: unknown) => {
        if (request.signal.aborted) return;
        setProblem(factsOf(cause));
      },
    );
    return () => request.abort();
  }, [id, asked]);
  const reload = useCallback(() => setAsked((times) => times + 1), []);
  useEffect(
    () =>
      session.memories.subscribe(() => {
        const ids = session.memories.get()?.ids ?? [];
        if (ids.length === 0 || ids.includes(id)) reload();
      }),
    [id, reload],
  );
  return { detail, problem, reload };
}
