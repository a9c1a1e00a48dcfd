/**
 * How the server would treat the text that is being typed; asked when typing pauses. With it goes where the text will
 * be asked and of which model, so that the server can read the prompt's beginning meanwhile. Knows no React.
 */

import type { Answer } from "@/lib/connection";
import type { Preview, PreviewRoute } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";

const PAUSE_MS = 250;
const SHORTEST = 3;

/** Where the text is to be asked, and how. */
export type PreviewPlace = Omit<PreviewRoute, "type" | "text">;

export class RoutePreview {
  private readonly store = writable<Preview | null>(null);
  readonly state: Readable<Preview | null> = this.store;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  constructor(private readonly ask: (text: string, place: PreviewPlace) => Promise<Answer>) {}

  typed(text: string, place: PreviewPlace = {}): void {
    clearTimeout(this.timer);
    const turn = ++this.asked;
    const trimmed = text.trim();
    if (trimmed.length < SHORTEST) {
      this.store.set(null);
      return;
    }
    this.timer = setTimeout(() => {
      this.ask(trimmed.slice(0, 4000), place).then(
        (answer) => {
          if (turn === this.asked && "kind" in answer) this.store.set(answer);
        },
        // No preview is no harm: the route is chosen when the task is sent.
        () => undefined,
      );
    }, PAUSE_MS);
  }
}
