/** The models there are, their default, and downloads under way. Knows no React. */

import { api, type EndpointInfo, factsOf, type ModelInfo, type ModelList } from "@/lib/api";
import type { EndpointHealth, ErrorFacts, PullProgress } from "@/lib/protocol";
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

  /** How the endpoints are now, as the server tells it while something changes. */
  healthChanged(now: readonly EndpointHealth[]): void {
    this.store.update((state) =>
      state.list === null ? state : { ...state, list: withHealth(state.list, now) },
    );
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

const QUIET: Required<Omit<EndpointHealth, "name" | "state">> = {
  detail: "",
  active: 0,
  queued: 0,
  limit: 0,
  breaker: "closed",
  retryAt: 0,
  calls: 0,
  errors: 0,
  lastError: "",
  firstTokenP50Ms: 0,
  firstTokenP95Ms: 0,
  tokensPerS: 0,
};

/** The list with the figures of `now`; fields at their default are left out on the wire. An endpoint without news stays. */
export function withHealth(list: ModelList, now: readonly EndpointHealth[]): ModelList {
  const news = new Map(now.map((health) => [health.name, health]));
  const endpoints = list.endpoints.map((endpoint): EndpointInfo => {
    const health = news.get(endpoint.name);
    return health === undefined ? endpoint : { ...endpoint, ...QUIET, ...health };
  });
  return { ...list, endpoints };
}

export const POOL = "pool";

/** Where a model answers, in words: its endpoint, or those of its pool. */
export function homeOf({ endpoint, members = [] }: ModelInfo): string {
  return endpoint === POOL && members.length > 0 ? members.join(", ") : endpoint;
}

/** Whether none of the endpoints that have it can be asked now. */
export function isDown({ endpoints }: ModelList, { endpoint, members = [] }: ModelInfo): boolean {
  const homes = endpoint === POOL ? members : [endpoint];
  const states = homes.map((home) => endpoints.find(({ name }) => name === home));
  return (
    states.length > 0 &&
    states.every((one) => /down|failed/.test(one?.state ?? "") || one?.breaker === "open")
  );
}

export function findModel(list: ModelList | null, id: string | null | undefined): ModelInfo | undefined {
  return list?.models.find((model) => model.id === id);
}

/** What a model is called where all are: a pool as one, and a name that several endpoints have by its endpoint too. */
export function modelLabel(list: ModelList | null, id: string): string {
  const short = shortModel(id);
  if (id.startsWith(`${POOL}/`)) return id;
  const isShared = list?.models.some((other) => other.id !== id && shortModel(other.id) === short);
  return isShared ? id : short;
}

/** `embedded/smollm2-135m` → `smollm2-135m`: the part a person recognises. */
export function shortModel(id: string): string {
  const slash = id.indexOf("/");
  return slash < 0 ? id : id.slice(slash + 1);
}
