/**
 * A thread's state for the screen: takes events as they come, folds them at most once per animation frame, and tells
 * its listeners once per fold. A hidden tab gets no frames, so there a timer does it.
 */

import type { Cursors, ServerEvent } from "@/lib/protocol";
import { cursorsOf, emptyThread, reduceAll, type ThreadState } from "@/lib/run-state";
import { type Readable, writable } from "@/lib/store";

const HIDDEN_FLUSH_MS = 250;

/** Calls `flush` once, soon: before the next paint, or after a moment when there is no next paint. */
export function beforeNextPaint(flush: () => void): void {
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    flush();
  };
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(once);
  setTimeout(once, HIDDEN_FLUSH_MS);
}

export interface ThreadStoreOptions {
  schedule?: (flush: () => void) => void;
  now?: () => number;
  /** Called after a fold that found something missing. */
  onGap?: (threadId: string) => void;
}

export class ThreadStore implements Readable<ThreadState> {
  private readonly state;
  private queue: ServerEvent[] = [];
  private scheduled = false;
  private readonly schedule: (flush: () => void) => void;
  private readonly now: () => number;
  private readonly onGap: ((threadId: string) => void) | undefined;

  constructor(
    readonly threadId: string,
    options: ThreadStoreOptions = {},
  ) {
    this.state = writable(emptyThread(threadId));
    this.schedule = options.schedule ?? beforeNextPaint;
    this.now = options.now ?? (() => performance.now());
    this.onGap = options.onGap;
  }

  readonly get = (): ThreadState => this.state.get();
  readonly subscribe = (listener: () => void): (() => void) => this.state.subscribe(listener);

  push(event: ServerEvent): void {
    this.queue.push(event);
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => this.flush());
  }

  flush(): void {
    this.scheduled = false;
    if (this.queue.length === 0) return;
    const events = this.queue;
    this.queue = [];
    const before = this.state.get();
    const after = reduceAll(before, events, this.now());
    this.state.set(after);
    if (after.gap) this.onGap?.(this.threadId);
  }

  /** How far we are, everything that has arrived included. */
  cursors(): Cursors {
    this.flush();
    return cursorsOf(this.state.get());
  }

  /** Forgets all of it: the server said that we are ahead of its journal. */
  reset(): void {
    this.queue = [];
    this.state.set(emptyThread(this.threadId));
  }

  /** The thread is not there (deleted, or never was). */
  markMissing(): void {
    this.state.update((state) => ({ ...state, missing: true, live: true }));
  }

  /** All there is has come, without an `alma.live` (a thread that we have just made). */
  markLive(): void {
    this.state.update((state) => (state.live ? state : { ...state, live: true, missing: false }));
  }
}
