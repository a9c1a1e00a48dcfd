/** The learning lab as the page has it: what there is, what is being played, and what came of it last. Knows no React. */

import { factsOf } from "@/lib/api";
import { type Lab, type LabRun, labApi } from "@/lib/lab-api";
import { bodyOf, type LabChoice } from "@/lib/lab-figures";
import type { ErrorFacts } from "@/lib/protocol";
import { Remote } from "@/lib/remote";
import { type Readable, writable } from "@/lib/store";

export interface Played {
  readonly playing: boolean;
  readonly run: LabRun | null;
  readonly error: ErrorFacts | null;
}

export class LabStore {
  readonly known = new Remote<Lab>((signal) => labApi.read(signal));
  private readonly store = writable<Played>({ playing: false, run: null, error: null });
  readonly played: Readable<Played> = this.store;
  private request: AbortController | null = null;

  /** In place of what is played just now. What came of it before stays in sight until this has come. */
  async run(choice: LabChoice): Promise<void> {
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    this.store.update(({ run }) => ({ playing: true, run, error: null }));
    try {
      const run = await labApi.run(bodyOf(choice), request.signal);
      if (!request.signal.aborted) this.store.set({ playing: false, run, error: null });
    } catch (cause) {
      if (request.signal.aborted) return;
      this.store.update(({ run }) => ({ playing: false, run, error: factsOf(cause) }));
    }
  }

  /** The server stops soon after. */
  stop(): void {
    this.request?.abort();
    this.store.update((played) => ({ ...played, playing: false }));
  }
}

/** The page's one. */
export const lab = new LabStore();
