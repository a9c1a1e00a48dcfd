import { createContext, useContext } from "react";
import type { RunLens } from "@/features/inspector/run-lens";
import { usePart, useStore } from "@/hooks/use-store";
import { agentColourVar } from "@/lib/agent-colour";
import { isWorking, type RunState } from "@/lib/run-state";
import { serverNow } from "@/lib/server-clock";
import { type Readable, writable } from "@/lib/store";
import type { TaskState } from "@/lib/task-state";
import { quarterSeconds } from "@/lib/ticker";

const LensContext = createContext<RunLens | null>(null);
export const LensProvider = LensContext.Provider;

export function useLens(): RunLens {
  const lens = useContext(LensContext);
  if (lens === null) throw new Error("useLens: there is no LensProvider above");
  return lens;
}

const STILL: Readable<number> = writable(0);

/** A part of the run at the moment that is shown; `select` must give the same object for the same part. */
export function useShown<Part>(select: (run: RunState) => Part): Part | undefined {
  return usePart(useLens().shown, (run) => (run === undefined ? undefined : select(run)));
}

/** A part of the run as far as it has come, whatever moment is shown. */
export function useWhole<Part>(select: (run: RunState) => Part): Part | undefined {
  return usePart(useLens().live, (run) => (run === undefined ? undefined : select(run)));
}

export function useTask(taskId: string): TaskState | undefined {
  return useShown((run) => run.tasks.get(taskId));
}

export function usePlayhead(): number | null {
  return useStore(useLens().playhead);
}

/** The moment that is shown, in server ms: it moves four times a second only while `moving` and live. */
export function useMoment(moving: boolean): number {
  const lens = useLens();
  const playhead = useStore(lens.playhead);
  useStore(moving && playhead === null ? quarterSeconds : STILL);
  if (playhead !== null) return playhead;
  const run = lens.live.get();
  if (run === undefined) return 0;
  return isWorking(run) ? serverNow() : (run.history.at(-1)?.at ?? run.startedAt);
}

/** The colour of the agent that does the task, as CSS; the same one everywhere on the page. */
export function useColour(task: TaskState | undefined): string {
  return agentColourVar(task?.role || "manager");
}
