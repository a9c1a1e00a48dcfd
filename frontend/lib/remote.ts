/** What the server says when it is asked, kept, and asked for again while somebody looks. Knows no React. */

import { factsOf } from "@/lib/api";
import { outside } from "@/lib/entry";
import type { ErrorFacts } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";

export interface RemoteState<Value> {
  readonly value: Value | null;
  /** Why the newest question got no answer; the value before it stays. */
  readonly error: ErrorFacts | null;
  readonly loading: boolean;
}

export class Remote<Value> {
  private readonly store = writable<RemoteState<Value>>({ value: null, error: null, loading: false });
  readonly state: Readable<RemoteState<Value>> = this.store;
  private request: AbortController | null = null;

  constructor(private readonly ask: (signal: AbortSignal) => Promise<Value>) {}

  /** Asks, in place of a question that is still open. `other`: asks otherwise this once. */
  async load(other?: (signal: AbortSignal) => Promise<Value>): Promise<void> {
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    this.store.update((state) => ({ ...state, loading: true }));
    try {
      const value = await (other ?? this.ask)(request.signal);
      if (!request.signal.aborted) this.set(value);
    } catch (cause) {
      if (request.signal.aborted) return;
      this.store.update((state) => ({ ...state, loading: false, error: factsOf(cause) }));
    }
  }

  /** We know it from elsewhere: an answer that is under way is older. */
  set(value: Value): void {
    this.request?.abort();
    this.store.set({ value, error: null, loading: false });
  }

  change(change: (value: Value) => Value): void {
    const { value } = this.store.get();
    if (value !== null) this.set(change(value));
  }

  /** Asks now, and again and again while the page is seen and one may ask. Gives back how to stop. */
  follow(everyMs: number): () => void {
    const again = (): void => {
      if (document.visibilityState === "visible" && outside.get() === null && !this.store.get().loading)
        void this.load();
    };
    void this.load();
    const tick = setInterval(again, everyMs);
    document.addEventListener("visibilitychange", again);
    return () => {
      clearInterval(tick);
      document.removeEventListener("visibilitychange", again);
    };
  }
}
