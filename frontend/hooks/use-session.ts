import { useMemo } from "react";
import { usePart, useStore } from "@/hooks/use-store";
import { location, type View } from "@/lib/location";
import type { OutgoingTurn } from "@/lib/outbox";
import { isWorking, type RunState, type ThreadState } from "@/lib/run-state";
import { session } from "@/lib/session";
import { pathThrough } from "@/lib/tree";

export function useView(): View {
  return useStore(location);
}

/** Whether the server is there; while it is away, nothing that is shown goes on. */
export function useOnline(): boolean {
  return usePart(session.connection.state, ({ phase }) => phase === "online");
}

/** Whether one may change what is of everybody. */
export function useAdmin(): boolean {
  return usePart(session.connection.state, ({ welcome }) => welcome?.admin ?? true);
}

export function useRun(threadId: string, runId: string): RunState | undefined {
  return usePart(session.thread(threadId), (thread) => thread.runs.get(runId));
}

/** What of a thread changes only when a turn is added, not while one is written. */
export function useTree(threadId: string): Pick<ThreadState, "tree" | "live" | "older" | "missing"> {
  const store = session.thread(threadId);
  const tree = usePart(store, (thread) => thread.tree);
  const live = usePart(store, (thread) => thread.live);
  const older = usePart(store, (thread) => thread.older);
  const missing = usePart(store, (thread) => thread.missing);
  return { tree, live, older, missing };
}

/** The newest unfinished turn of a thread. */
export function useWorkingRun(threadId: string | null): string | null {
  return usePart(session.thread(threadId ?? ""), (thread) => {
    for (let at = thread.tree.order.length - 1; at >= 0; at--) {
      const run = thread.runs.get(thread.tree.order[at] ?? "");
      if (run !== undefined && isWorking(run)) return run.id;
    }
    return null;
  });
}

export interface Path {
  readonly runs: readonly string[];
  /** Sent, and not yet in the journal. They follow the last of `runs`. */
  readonly outgoing: readonly OutgoingTurn[];
}

/** The turns to read, from the first to the last: through the chosen run, else to the newest one. */
export function usePath(threadId: string | null): Path {
  const { tree } = useTree(threadId ?? "");
  const runs = usePart(session.thread(threadId ?? ""), (thread) => thread.tree.order.length);
  const turns = useStore(session.outbox.turns);
  const through = useView().run;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `runs` stands for the runs' keys, which come with the tree
  return useMemo(() => {
    const known = new Set<string>();
    if (threadId !== null)
      for (const run of session.thread(threadId).get().runs.values()) known.add(run.key ?? "");
    const outgoing = turns.filter((turn) => turn.threadId === threadId && !known.has(turn.command.key));
    const path = pathThrough(tree, through);
    const retry = outgoing.find((turn) => turn.again || turn.command.type !== "run.start");
    if (retry === undefined) return { runs: path, outgoing };
    const cut = retry.after === null ? 0 : path.indexOf(retry.after) + 1;
    return { runs: path.slice(0, cut), outgoing };
  }, [threadId, tree, runs, turns, through]);
}
