/** The journal of one run and its exact prompts, as the API gives them, for who looks inside. Knows no React. */

import { api, type EntryRecord, factsOf, type PromptReport } from "@/lib/api";
import type { ErrorFacts } from "@/lib/protocol";
import { type Readable, type Writable, writable } from "@/lib/store";

export interface RunRecordState {
  readonly entries: readonly EntryRecord[];
  /** By message id. */
  readonly prompts: ReadonlyMap<string, PromptReport>;
  readonly error: ErrorFacts | null;
}

const EMPTY: RunRecordState = { entries: [], prompts: new Map(), error: null };
const KEPT = 20;

export class RunRecords {
  private readonly stores = new Map<string, Writable<RunRecordState>>();
  private readonly loading = new Set<string>();

  of(runId: string): Readable<RunRecordState> {
    return this.store(runId);
  }

  /** Brings the entries up to `seq`. */
  async load(runId: string, seq: number): Promise<void> {
    const store = this.store(runId);
    const after = store.get().entries.at(-1)?.seq ?? 0;
    if (after >= seq || this.loading.has(runId)) return;
    this.loading.add(runId);
    try {
      const { entries } = await api.entries(runId, after);
      store.update((state) => ({ ...state, entries: [...state.entries, ...entries], error: null }));
    } catch (cause) {
      store.update((state) => ({ ...state, error: factsOf(cause) }));
    } finally {
      this.loading.delete(runId);
    }
  }

  async loadPrompt(runId: string, messageId: string): Promise<void> {
    const store = this.store(runId);
    try {
      const prompt = await api.prompt(runId, messageId);
      store.update((state) => ({
        ...state,
        prompts: new Map(state.prompts).set(messageId, prompt),
        error: null,
      }));
    } catch (cause) {
      store.update((state) => ({ ...state, error: factsOf(cause) }));
    }
  }

  private store(runId: string): Writable<RunRecordState> {
    let store = this.stores.get(runId);
    if (store === undefined) {
      store = writable(EMPTY);
      this.stores.set(runId, store);
      for (const oldest of this.stores.keys()) {
        if (this.stores.size <= KEPT) break;
        this.stores.delete(oldest);
      }
    }
    return store;
  }
}

export const runRecords = new RunRecords();
