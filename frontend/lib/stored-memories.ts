/** What was kept of a run, as the API gives it. Knows no React. */

import { factsOf, request } from "@/lib/api";
import type { ErrorFacts } from "@/lib/protocol";
import type { components } from "@/lib/protocol.gen";
import { type Readable, writable } from "@/lib/store";

type Reply = components["schemas"]["MemoryListReply"];
export type StoredMemory = Reply["memories"][number]["memory"];

export interface StoredState {
  /** `null`: not asked for yet. */
  readonly memories: readonly StoredMemory[] | null;
  readonly total: number;
  readonly error: ErrorFacts | null;
}

const PAUSE_MS = 500;
const MOST = 100;
/** What agents note for the task at hand, such as their plan, is not kept of it. */
const LASTING: readonly StoredMemory["kind"][] = ["semantic", "episodic", "procedural"];

/** Those of one run. Asked for again, once in a moment, when it may have changed. */
export class StoredMemories {
  private readonly store = writable<StoredState>({ memories: null, total: 0, error: null });
  readonly state: Readable<StoredState> = this.store;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly runId: string) {}

  async load(): Promise<void> {
    try {
      const query = new URLSearchParams({ run: this.runId, limit: String(MOST) });
      for (const kind of LASTING) query.append("kind", kind);
      const { memories, total } = await request<Reply>("GET", `/memories?${query}`);
      this.store.set({ memories: memories.map(({ memory }) => memory), total, error: null });
    } catch (cause) {
      this.store.update((state) => ({ ...state, error: factsOf(cause) }));
    }
  }

  loadSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.load();
    }, PAUSE_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
