/** The list of memories: pages from the API, kept true by `alma.memories` without jumping. Knows no React. */

import { factsOf } from "@/lib/api";
import { type FoundMemory, type MemoryListReply, memoryApi } from "@/lib/memory-api";
import { ALL_MEMORIES, formatFilters, type MemoryFilters, queryOf } from "@/lib/memory-query";
import type { ErrorFacts } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";

export interface MemoryListState {
  readonly filters: MemoryFilters;
  readonly items: readonly FoundMemory[];
  /** Came meanwhile; shown when a person asks for them, or is at the top anyway. */
  readonly held: readonly FoundMemory[];
  readonly total: number;
  readonly next: string | null;
  /** Whether the search was by meaning too, and not by words alone. */
  readonly dense: boolean;
  readonly ms: number;
  readonly loading: boolean;
  /** The items are those of the filters. */
  readonly loaded: boolean;
  readonly error: ErrorFacts | null;
}

const PAGE = 50;
const MOST = 200;
const REFRESH_PAUSE_MS = 700;

const EMPTY: MemoryListState = {
  filters: ALL_MEMORIES,
  items: [],
  held: [],
  total: 0,
  next: null,
  dense: true,
  ms: 0,
  loading: false,
  loaded: false,
  error: null,
};

/**
 * What is shown, with what a fresh page says of it: what is known changes in its place, what is gone leaves, what is new
 * is given apart. `changed`: ids of which the server said that they changed; empty: it could be any.
 */
export function refreshed(
  items: readonly FoundMemory[],
  page: readonly FoundMemory[],
  isWhole: boolean,
  changed: ReadonlySet<string>,
): { items: FoundMemory[]; fresh: FoundMemory[] } {
  const news = new Map(page.map((found) => [found.memory.id, found]));
  const known = new Set(items.map(({ memory }) => memory.id));
  const reaches = isWhole ? items.length : page.length;
  const stays = items.filter(({ memory }, at) => {
    if (news.has(memory.id)) return true;
    return changed.size > 0 ? !changed.has(memory.id) : at >= reaches;
  });
  return {
    items: stays.map((found) => news.get(found.memory.id) ?? found),
    fresh: page.filter(({ memory }) => !known.has(memory.id)),
  };
}

/** With the new ones where they belong: by score, or newest first. */
export function withFresh(items: readonly FoundMemory[], fresh: readonly FoundMemory[]): FoundMemory[] {
  const order = ({ score, memory }: FoundMemory): number => score ?? memory.createdAt;
  return [...items, ...fresh].sort((one, other) => order(other) - order(one));
}

/** Of a search: those that fit at least a third as well as the best. */
export function telling(items: readonly FoundMemory[]): readonly FoundMemory[] {
  const best = Math.max(0, ...items.map(({ score }) => score ?? 0));
  return items.filter(({ score }) => (score ?? 0) >= best / 3);
}

export class MemoryList {
  private readonly store = writable<MemoryListState>(EMPTY);
  readonly state: Readable<MemoryListState> = this.store;
  private request: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private changed = new Set<string>();
  private anyChanged = false;
  /** Nobody has scrolled away from the top: what is new may come in by itself. */
  atTop = true;

  /** Loads what fits these filters; what is shown stays until it is there. */
  show(filters: MemoryFilters): void {
    const before = this.store.get();
    if (before.loaded && formatFilters(filters) === formatFilters(before.filters)) return;
    this.store.update((state) => ({ ...state, filters, held: [], loaded: false }));
    void this.load();
  }

  async load(): Promise<void> {
    await this.ask({}, (state, reply) => ({ ...state, items: reply.memories, held: [] }));
  }

  async loadMore(): Promise<void> {
    const { next, loading } = this.store.get();
    if (next === null || loading) return;
    await this.ask({ before: next }, (state, reply) => {
      const known = new Set(state.items.map(({ memory }) => memory.id));
      return { ...state, items: [...state.items, ...reply.memories.filter((m) => !known.has(m.memory.id))] };
    });
  }

  /** The server says that memories changed. What it told within a moment is asked for once. */
  heard(ids: readonly string[]): void {
    if (ids.length === 0) this.anyChanged = true;
    for (const id of ids) this.changed.add(id);
    this.refreshSoon();
  }

  private refreshSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.refresh();
    }, REFRESH_PAUSE_MS);
  }

  showHeld(): void {
    this.store.update((state) => ({ ...state, items: withFresh(state.items, state.held), held: [] }));
  }

  private async refresh(): Promise<void> {
    const { loaded, loading, items, next } = this.store.get();
    if (loading) return this.refreshSoon();
    if (!loaded) return;
    const changed = this.anyChanged ? new Set<string>() : this.changed;
    this.changed = new Set();
    this.anyChanged = false;
    const limit = Math.min(MOST, Math.max(PAGE, items.length));
    await this.ask({ limit }, (state, reply) => {
      const isWhole = reply.next == null;
      const { items: stays, fresh } = refreshed(state.items, reply.memories, isWhole, changed);
      const isDeep = state.items.length > reply.memories.length;
      // A page has its end where ours has, or we are further down already.
      const kept = { ...state, next: isDeep ? next : (reply.next ?? null) };
      if (fresh.length === 0 || this.atTop) return { ...kept, items: withFresh(stays, fresh), held: [] };
      return { ...kept, items: stays, held: fresh };
    });
  }

  private async ask(
    more: { before?: string; limit?: number },
    fold: (state: MemoryListState, reply: MemoryListReply) => MemoryListState,
  ): Promise<void> {
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    this.store.update((state) => ({ ...state, loading: true }));
    const query = queryOf(this.store.get().filters, Date.now());
    query.set("limit", String(more.limit ?? PAGE));
    if (more.before !== undefined) query.set("before", more.before);
    try {
      const reply = await memoryApi.list(query, request.signal);
      this.store.update((state) => {
        const { total, ms = 0, dense = true } = reply;
        const told = { total, ms, dense, loading: false, loaded: true, error: null };
        return { ...fold({ ...state, next: reply.next ?? null }, reply), ...told };
      });
    } catch (cause) {
      if (request.signal.aborted) return;
      this.store.update((state) => ({ ...state, loading: false, error: factsOf(cause) }));
    }
  }
}

/** The page's one list. */
export const memoryList = new MemoryList();
