import { useState } from "react";
import { factsOf } from "@/lib/api";
import type { ErrorFacts } from "@/lib/protocol";

export interface Task {
  busy: boolean;
  problem: ErrorFacts | null;
  run: (work: () => Promise<void>) => Promise<void>;
}

/** One request at a time that a person has asked for: whether it runs, and what it failed with. */
export function useTask(): Task {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  const run = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch (cause) {
      setProblem(factsOf(cause));
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, run };
}
