import { useCallback, useEffect, useState } from "react";
import { factsOf } from "@/lib/api";
import { type MemoryMap, memoryApi } from "@/lib/memory-api";
import { ALL_MEMORIES, type Origin, queryOf } from "@/lib/memory-query";
import type { ErrorFacts } from "@/lib/protocol";
import { session } from "@/lib/session";

const QUIET_MS = 2_000;

interface Known {
  readonly map: MemoryMap | null;
  readonly problem: ErrorFacts | null;
  readonly reload: () => void;
}

/** Memories of this origin as points; asked for again once memory has been quiet for a moment. `run`: whose hits are named. */
export function useMemoryMap(run: string | null, origin: Origin): Known {
  const [map, setMap] = useState<MemoryMap | null>(null);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  const [asked, setAsked] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` is when, not what
  useEffect(() => {
    const request = new AbortController();
    memoryApi.map(run, queryOf({ ...ALL_MEMORIES, origin }, Date.now()), request.signal).then(
      (found) => {
        setMap(found);
        setProblem(null);
      },
      (cause: unknown) => {
        if (!request.signal.aborted) setProblem(factsOf(cause));
      },
    );
    return () => request.abort();
  }, [run, origin, asked]);
  const reload = useCallback(() => setAsked((times) => times + 1), []);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = session.memories.subscribe(() => {
      clearTimeout(timer);
      timer = setTimeout(reload, QUIET_MS);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [reload]);
  return { map, problem, reload };
}
