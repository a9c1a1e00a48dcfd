import { useCallback, useEffect, useState } from "react";
import { factsOf } from "@/lib/api";
import { type Behind, formatBehind, type Span } from "@/lib/dashboard-address";
import { type BehindList, metricsApi } from "@/lib/metrics-api";
import type { ErrorFacts } from "@/lib/protocol";

const FIRST = 50;
const MOST = 200;

interface BehindState {
  list: BehindList | null;
  problem: ErrorFacts | null;
  load: () => void;
  more: () => void;
}

/** The runs behind a number, asked for once: a list that is read must not change under the eye. */
export function useBehind(behind: Behind, span: Span): BehindState {
  const [list, setList] = useState<BehindList | null>(null);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  const [asked, setAsked] = useState({ limit: FIRST, times: 0 });
  const wanted = JSON.stringify([formatBehind(behind), span]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `wanted` stands for both, which are made anew each time
  useEffect(() => {
    const request = new AbortController();
    metricsApi.behind(behind, span, asked.limit, request.signal).then(
      (reply) => {
        setList(reply);
        setProblem(null);
      },
      (cause) => {
        if (!request.signal.aborted) setProblem(factsOf(cause));
      },
    );
    return () => request.abort();
  }, [wanted, asked]);
  const load = useCallback(() => setAsked((before) => ({ ...before, times: before.times + 1 })), []);
  const more = useCallback(() => setAsked((before) => ({ ...before, limit: MOST })), []);
  return { list, problem, load, more };
}
