/** How the server would treat the text that is being typed; asked when typing pauses. Knows no React. */

import type { Answer } from "@/lib/connection";
import type { Preview } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";

const PAUSE_MS = 250;
const SHORTEST = 3;

export class RoutePreview {
  private readonly store = writable<Preview | null>(null);
  readonly state: Readable<Preview | null> = this.store;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  constructor(private readonly ask: (text: string) => Promise<Answer>) {}

  typed(text: string): void {
    clearTimeout(this.timer);
    const turn = ++this.asked;
    const trimmed = text.trim();
    if (trimmed.length < SHORTEST) {
      this.store.set(null);
      return;
    }
    this.timer = setTimeout(() => {
      this.ask(trimmed.slice(0, 4000)).then(
        (answer) => {
          if (turn === this.asked && "kind" in answer) this.store.set(answer);
        },
        // No preview is no harm: the route is chosen when the task is sent.
        () => undefined,
      );
    }, PAUSE_MS);
  }
}
