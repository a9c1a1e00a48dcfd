import { useRef, useState } from "react";
import { factsOf } from "@/lib/api";
import type { ErrorFacts } from "@/lib/protocol";

export interface Task {
  busy: boolean;
  problem: ErrorFacts | null;
  /** `isWanted`: nothing has been asked anew or forgotten meanwhile. */
  run: (work: (isWanted: () => boolean) => Promise<void>) => Promise<void>;
  /** What it failed with, or is about to, is of no more interest. */
  forget: () => void;
}

/** One request at a time that a person has asked for: whether it runs, and what it failed with. */
export function useTask(): Task {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  const newest = useRef(0);
  const forget = (): void => {
    newest.current++;
    setProblem(null);
  };
  const run: Task["run"] = async (work) => {
    forget();
    const own = newest.current;
    const isWanted = (): boolean => newest.current === own;
    setBusy(true);
    try {
      await work(isWanted);
    } catch (cause) {
      if (isWanted()) setProblem(factsOf(cause));
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, run, forget };
}
