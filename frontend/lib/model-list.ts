/** The models there are, their default, and downloads under way. Knows no React. */

import { api, factsOf, type ModelInfo, type ModelList } from "@/lib/api";
import type { ErrorFacts, PullProgress } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";

export interface ModelListState {
  readonly list: ModelList | null;
  readonly error: ErrorFacts | null;
  readonly pulls: Readonly<Record<string, PullProgress>>;
}

export class ModelListStore {
  private readonly store = writable<ModelListState>({ list: null, error: null, pulls: {} });
  readonly state: Readable<ModelListState> = this.store;

  async load(): Promise<void> {
    try {
      this.replace(await api.models());
    } catch (cause) {
      this.store.update((state) => ({ ...state, error: factsOf(cause) }));
    }
  }

  /** The API answers every change with the whole list. */
  replace(list: ModelList): void {
    this.store.update((state) => ({ ...state, list, error: null }));
  }

  pulled(progress: PullProgress): void {
    this.store.update((state) => ({ ...state, pulls: { ...state.pulls, [progress.id]: progress } }));
    if (progress.state === "done") void this.load();
  }

  forgetPull(id: string): void {
    this.store.update((state) => {
      const { [id]: _, ...pulls } = state.pulls;
      return { ...state, pulls };
    });
  }
}

export function findModel(list: ModelList | null, id: string | null | undefined): ModelInfo | undefined {
  return list?.models.find((model) => model.id === id);
}

/** `embedded/smollm2-135m` → `smollm2-135m`: the part a person recognises. */
export function shortModel(id: string): string {
  const slash = id.indexOf("/");
  return slash < 0 ? id : id.slice(slash + 1);
}
