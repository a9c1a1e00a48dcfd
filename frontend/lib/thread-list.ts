/** The list of threads in the rail: pages from the API, kept true by `alma.thread` events. Knows no React. */

import { ApiProblem, api, factsOf } from "@/lib/api";
import type { Notices } from "@/lib/notices";
import type { ErrorFacts, ThreadSummary } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";
import { shown } from "@/lib/visible-text";

export interface ThreadListState {
  readonly threads: readonly ThreadSummary[];
  readonly search: string;
  readonly more: boolean;
  readonly loading: boolean;
  readonly loaded: boolean;
  readonly error: ErrorFacts | null;
}

const SEARCH_PAUSE_MS = 200;
const UNDO_MS = 6_000;

/** Puts one summary into a list that is sorted by `updatedAt`, newest first. */
export function withThread(threads: readonly ThreadSummary[], thread: ThreadSummary): ThreadSummary[] {
  const others = threads.filter((other) => other.id !== thread.id);
  if (thread.deleted) return others;
  const at = others.findIndex((other) => other.updatedAt <= thread.updatedAt);
  return at < 0 ? [...others, thread] : [...others.slice(0, at), thread, ...others.slice(at)];
}

export class ThreadListStore {
  private readonly store = writable<ThreadListState>({
    threads: [],
    search: "",
    more: false,
    loading: false,
    loaded: false,
    error: null,
  });
  readonly state: Readable<ThreadListState> = this.store;
  private readonly known = writable<ReadonlyMap<string, string>>(new Map());
  /** The titles of all threads heard of, as they are shown, whatever the list is narrowed to. */
  readonly titles: Readable<ReadonlyMap<string, string>> = this.known;
  private request: AbortController | null = null;
  private pause: ReturnType<typeof setTimeout> | undefined;
  /** Deleted here, not yet on the server: there is still a way back. */
  private readonly doomed = new Map<
    string,
    { thread: ThreadSummary; timer: ReturnType<typeof setTimeout> }
  >();

  constructor(private readonly notices: Notices) {}

  find(id: string): ThreadSummary | undefined {
    return this.store.get().threads.find((thread) => thread.id === id);
  }

  search(text: string): void {
    this.store.update((state) => ({ ...state, search: text }));
    clearTimeout(this.pause);
    this.pause = setTimeout(() => void this.load(), SEARCH_PAUSE_MS);
  }

  async load(): Promise<void> {
    await this.page(null);
  }

  async loadMore(): Promise<void> {
    const { threads, more, loading } = this.store.get();
    const last = threads.at(-1);
    if (more && !loading && last !== undefined) await this.page(last.updatedAt);
  }

  /** Asks for the title of a thread that the list does not show. */
  async learnTitle(id: string): Promise<void> {
    if (this.find(id) !== undefined) return;
    try {
      this.keepTitles([await api.thread(id)]);
    } catch {
      // A title is not worth a notice; that the thread is gone, its subscription says.
    }
  }

  /** The server says that a thread is new or has changed. */
  changed(thread: ThreadSummary): void {
    this.keepTitles([thread]);
    if (this.doomed.has(thread.id)) return;
    this.store.update((state) => {
      const known = state.threads.some((other) => other.id === thread.id);
      const found = thread.title.toLowerCase().includes(state.search.trim().toLowerCase());
      if (!known && !found) return state;
      return { ...state, threads: withThread(state.threads, thread) };
    });
  }

  async rename(id: string, title: string): Promise<void> {
    const before = this.find(id);
    if (before === undefined || title === "" || title === before.title) return;
    this.changed({ ...before, title });
    try {
      this.changed(await api.renameThread(id, title));
    } catch (cause) {
      this.changed(before);
      this.notices.error(factsOf(cause));
    }
  }

  /** Takes the thread away at once and tells the server a moment later, unless it is undone. */
  delete(id: string, onUndo: () => void): void {
    const thread = this.find(id);
    if (thread === undefined) return;
    this.store.update((state) => ({ ...state, threads: state.threads.filter((other) => other.id !== id) }));
    const timer = setTimeout(() => void this.finishDelete(id), UNDO_MS);
    this.doomed.set(id, { thread, timer });
    const undo = (): void => {
      const entry = this.doomed.get(id);
      if (entry === undefined) return;
      clearTimeout(entry.timer);
      this.doomed.delete(id);
      this.changed(entry.thread);
      onUndo();
    };
    const title = thread.title || "Untitled";
    this.notices.show(`Deleted “${title}”`, { action: { label: "Undo", run: undo }, forMs: UNDO_MS });
  }

  /** The page goes away: what is waiting to be deleted is deleted now. */
  flushDeletes(): void {
    for (const id of [...this.doomed.keys()]) void this.finishDelete(id);
  }

  private async finishDelete(id: string): Promise<void> {
    const entry = this.doomed.get(id);
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    try {
      await api.deleteThread(id);
      this.doomed.delete(id);
    } catch (cause) {
      this.doomed.delete(id);
      if (cause instanceof ApiProblem && cause.status === 404) return;
      this.changed(entry.thread);
      this.notices.error(factsOf(cause));
    }
  }

  private keepTitles(threads: readonly ThreadSummary[]): void {
    const titles = new Map(this.known.get());
    for (const { id, title, deleted } of threads) {
      if (deleted) titles.delete(id);
      else titles.set(id, shown(title));
    }
    this.known.set(titles);
  }

  private async page(before: number | null): Promise<void> {
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    this.store.update((state) => ({ ...state, loading: true }));
    try {
      const { threads, more } = await api.threads(this.store.get().search.trim(), before, request.signal);
      this.keepTitles(threads);
      this.store.update((state) => {
        const had = before === null ? [] : state.threads;
        const known = new Set(had.map((thread) => thread.id));
        const fresh = threads.filter((thread) => !known.has(thread.id) && !this.doomed.has(thread.id));
        return { ...state, threads: [...had, ...fresh], more, loading: false, loaded: true, error: null };
      });
    } catch (cause) {
      if (request.signal.aborted) return;
      this.store.update((state) => ({ ...state, loading: false, error: factsOf(cause) }));
    }
  }
}
