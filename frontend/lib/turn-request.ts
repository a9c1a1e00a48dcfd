/** What a person asks for, as the command that asks the server for it. Pure. */

import type { Kind, StartRun } from "@/lib/protocol";
import type { Limits } from "@/lib/run-state";

export interface TurnRequest {
  text: string;
  kind: Kind | null;
  model: string | null;
  threadId: string | null;
  /** The turn to follow; `null` with a `threadId` lets the server take the newest. */
  after: string | null;
  /** Another first turn of the thread. */
  root?: boolean;
  /** Show a plan before it runs. */
  approve?: boolean;
  /** What it may use at most; 0: no limit of its own. */
  limits?: Limits;
  /** No answer from the cache. */
  fresh?: boolean;
  /** Another version of a turn that is there. */
  again?: boolean;
}

function limitsOf(limits: Limits | undefined): Partial<Limits> {
  return Object.fromEntries(Object.entries(limits ?? {}).filter(([, limit]) => limit > 0));
}

/** From which task on a run is done again, and what is other about it. */
export interface ForkRequest {
  taskId: string;
  goal?: string;
  role?: string;
  model?: string;
}

export function startCommand(request: TurnRequest, key: string): StartRun {
  return {
    type: "run.start",
    key,
    text: request.text,
    ...(request.threadId === null ? {} : { threadId: request.threadId }),
    ...(request.after === null ? {} : { parentRunId: request.after }),
    ...(request.root ? { root: true } : {}),
    ...(request.model === null ? {} : { model: request.model }),
    ...(request.kind === null ? {} : { kind: request.kind }),
    ...(request.approve ? { approve: true } : {}),
    ...limitsOf(request.limits),
    ...(request.fresh ? { fresh: true } : {}),
  };
}
