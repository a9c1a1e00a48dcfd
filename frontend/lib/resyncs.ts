/** Which threads were asked for again because something of them was missing. Knows no React. */

const PAUSE_MS = 2_000;

export class Resyncs {
  private readonly last = new Map<string, number>();
  private readonly asked = new Set<string>();

  /** `again` asks for what is missing from our cursors on, `anew` for all of it. */
  constructor(
    private readonly again: (threadId: string) => void,
    private readonly anew: (threadId: string) => void,
  ) {}

  /** Something is missing: ask again from our cursors, and if that did not help, from the start. */
  gap(threadId: string): void {
    if (this.asked.has(threadId)) return;
    this.asked.add(threadId);
    const now = Date.now();
    const last = this.last.get(threadId) ?? 0;
    this.last.set(threadId, now);
    if (now - last > PAUSE_MS) this.again(threadId);
    else setTimeout(() => this.anew(threadId), PAUSE_MS);
  }

  /** The server has answered. */
  settled(threadId: string): void {
    this.asked.delete(threadId);
  }

  clear(): void {
    this.asked.clear();
    this.last.clear();
  }
}
