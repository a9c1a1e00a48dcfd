/**
 * A run as the inspector shows it: live, or as it was at the playhead. Whoever draws a run reads `shown`; whoever needs
 * all there is (the places of the nodes, the whole waterfall) reads `live`. Knows no React.
 */

import { isWorking, type RunState } from "@/lib/run-state";
import { stateAt } from "@/lib/scrub";
import { serverNow } from "@/lib/server-clock";
import { session } from "@/lib/session";
import { type Readable, writable } from "@/lib/store";

export class RunLens {
  /** Server ms; `null` is live. */
  readonly playhead = writable<number | null>(null);
  readonly live: Readable<RunState | undefined>;
  readonly shown: Readable<RunState | undefined>;

  constructor(
    readonly threadId: string,
    readonly runId: string,
  ) {
    const thread = session.thread(threadId);
    const live = (): RunState | undefined => thread.get().runs.get(runId);
    this.live = { get: live, subscribe: thread.subscribe };
    let last: { of: RunState | undefined; at: number | null; state: RunState | undefined } | null = null;
    this.shown = {
      get: () => {
        const of = live();
        const at = this.playhead.get();
        // The past does not change while the run goes on, but for the text that is open.
        if (last === null || last.at !== at || last.of !== of) {
          const state = of === undefined || at === null ? of : stateAt(of, at, this.end(of));
          last = { of, at, state };
        }
        return last.state;
      },
      subscribe: (listener) => {
        const stops = [thread.subscribe(listener), this.playhead.subscribe(listener)];
        return () => {
          for (const stop of stops) stop();
        };
      },
    };
  }

  private end(run: RunState): number {
    return isWorking(run) ? serverNow() : (run.history.at(-1)?.at ?? run.startedAt);
  }
}
