/** Turns that were sent and are not yet in the journal. They are kept over a reload of the tab. Knows no React. */

import type { ErrorFacts, ForkRun, RetryRun, StartRun } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";

export interface OutgoingTurn {
  readonly command: StartRun | RetryRun | ForkRun;
  /** The text to show. */
  readonly text: string;
  /** `null` until the server has made the thread. */
  readonly threadId: string | null;
  /** The turn it will follow, as far as we know. */
  readonly after: string | null;
  /** It stands in place of another version of the same turn, and does not follow the last one. */
  readonly again?: boolean;
  readonly refused: ErrorFacts | null;
  /** When it is sent again by itself (our clock, ms): it was refused for a limit only. */
  readonly retryAt?: number | null;
}

const STORAGE = "alma.outbox";

export class Outbox {
  private readonly store = writable<readonly OutgoingTurn[]>([]);
  readonly turns: Readable<readonly OutgoingTurn[]> = this.store;

  /** What an earlier page in this tab left unanswered. */
  restore(): readonly OutgoingTurn[] {
    try {
      const kept: unknown = JSON.parse(sessionStorage.getItem(STORAGE) ?? "[]");
      if (Array.isArray(kept)) this.store.set(kept as OutgoingTurn[]);
    } catch {
      // A full or forbidden storage costs only the turns that a reload would have kept.
    }
    return this.store.get();
  }

  find(key: string): OutgoingTurn | undefined {
    return this.store.get().find((turn) => turn.command.key === key);
  }

  put(turn: OutgoingTurn): void {
    this.change((turns) => [...turns.filter((other) => other.command.key !== turn.command.key), turn]);
  }

  patch(key: string, patch: Partial<OutgoingTurn>): void {
    this.change((turns) => turns.map((turn) => (turn.command.key === key ? { ...turn, ...patch } : turn)));
  }

  remove(key: string): void {
    if (this.store.get().some((turn) => turn.command.key === key)) {
      this.change((turns) => turns.filter((turn) => turn.command.key !== key));
    }
  }

  private change(change: (turns: readonly OutgoingTurn[]) => readonly OutgoingTurn[]): void {
    this.store.update(change);
    try {
      sessionStorage.setItem(STORAGE, JSON.stringify(this.store.get()));
    } catch {
      // See `restore`.
    }
  }
}
