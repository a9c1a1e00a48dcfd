/** How memory stands: how much there is, and whether it can be searched by meaning. Knows no React. */

import { factsOf } from "@/lib/api";
import { type MemoryState, memoryApi } from "@/lib/memory-api";
import type { ErrorFacts } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";

export interface MemoryStanding {
  readonly state: MemoryState | null;
  readonly error: ErrorFacts | null;
}

const SOON_MS = 800;
const BUSY_MS = 2_500;

/** Whether it will be other in a moment by itself. */
export function isBusy(state: MemoryState): boolean {
  return state.waiting > 0 || state.indexes.some(({ role, missing }) => role === "building" || missing > 0);
}

export class MemoryStateStore {
  private readonly store = writable<MemoryStanding>({ state: null, error: null });
  readonly standing: Readable<MemoryStanding> = this.store;
  private timer: ReturnType<typeof setTimeout> | undefined;

  async load(): Promise<void> {
    try {
      this.set(await memoryApi.state());
    } catch (cause) {
      this.store.update((standing) => ({ ...standing, error: factsOf(cause) }));
    }
  }

  set(state: MemoryState): void {
    this.store.set({ state, error: null });
  }

  loadSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.load();
    }, SOON_MS);
  }

  /** Asks again and again while something is under way and the page is seen. Gives back how to stop. */
  follow(): () => void {
    const tick = setInterval(() => {
      const { state } = this.store.get();
      if (state !== null && isBusy(state) && document.visibilityState === "visible") void this.load();
    }, BUSY_MS);
    return () => clearInterval(tick);
  }
}

/** The page's one. */
export const memoryState = new MemoryStateStore();
