/** What is being said of answers: shown at once, sent, and kept until it is in the journal or was refused. Knows no React. */

import { factsOf } from "@/lib/api";
import { type FeedbackBody, feedbackApi } from "@/lib/feedback-api";
import { freshId } from "@/lib/ids";
import type { Saying } from "@/lib/learned-state";
import { type ErrorFacts, MAIN } from "@/lib/protocol";
import { type Readable, type Writable, writable } from "@/lib/store";

/** `open`: what is asked for beside the thumbs. `error`: why it could not be said; `again` says it once more. */
export interface GivingState {
  readonly saying: Saying | null;
  readonly open: "reason" | "edit" | null;
  readonly error: ErrorFacts | null;
}
export type Said = Omit<FeedbackBody, "key" | "taskId">;

const NOTHING: GivingState = { saying: null, open: null, error: null };

class Feedback {
  private readonly stores = new Map<string, Writable<GivingState>>();
  private readonly unsaid = new Map<string, FeedbackBody>();

  of(runId: string, taskId: string = MAIN): Readable<GivingState> {
    return this.store(runId, taskId);
  }

  open(runId: string, taskId: string, open: GivingState["open"]): void {
    this.store(runId, taskId).update((state) => ({ ...state, open }));
  }

  /** `since`: the last entry of the run that we know; what comes later tells us that it was heard. */
  async give(runId: string, taskId: string, said: Said, since: number): Promise<void> {
    const body: FeedbackBody = { ...said, ...(taskId === MAIN ? {} : { taskId }), key: freshId() };
    const { signal, reason = "", text = "" } = said;
    const saying = { signal, value: said.value ?? 1, reason, text, since };
    const store = this.store(runId, taskId);
    const open = signal === "thumb" && saying.value !== 0 && said.reason === undefined ? "reason" : null;
    store.set({ saying, open, error: null });
    await this.send(runId, taskId, body, saying);
  }

  /** A courtesy, of which nobody hears when it fails. */
  copied(runId: string): void {
    void feedbackApi.give(runId, { signal: "copied", key: freshId() }).catch(() => undefined);
  }

  again(runId: string, taskId: string, since: number): void {
    const unsaid = this.unsaid.get(`${runId} ${taskId}`);
    if (unsaid === undefined) return;
    const { signal, value = 1, reason = "", text = "" } = unsaid;
    const saying = { signal, value, reason, text, since };
    this.store(runId, taskId).update((state) => ({ ...state, saying, error: null }));
    void this.send(runId, taskId, unsaid, saying);
  }

  private async send(runId: string, taskId: string, body: FeedbackBody, saying: Saying): Promise<void> {
    const store = this.store(runId, taskId);
    const name = `${runId} ${taskId}`;
    this.unsaid.set(name, body);
    try {
      await feedbackApi.give(runId, body);
      if (this.unsaid.get(name) === body) this.unsaid.delete(name);
    } catch (cause) {
      if (store.get().saying !== saying) return; // something newer was said
      store.set({ saying: null, open: null, error: factsOf(cause) });
    }
  }

  private store(runId: string, taskId: string): Writable<GivingState> {
    const name = `${runId} ${taskId}`;
    let store = this.stores.get(name);
    if (store === undefined) {
      store = writable(NOTHING);
      this.stores.set(name, store);
    }
    return store;
  }
}

export const feedback = new Feedback();
