/** What was refined, what is open, and what a pass would do: kept while the page is. Knows no React. */

import { factsOf } from "@/lib/api";
import { memoryList } from "@/lib/memory-list";
import { memoryState } from "@/lib/memory-state";
import type { ErrorFacts } from "@/lib/protocol";
import {
  type Contradiction,
  type Pass,
  type PassDetail,
  type Refined,
  refinementApi,
} from "@/lib/refinement-api";
import { Remote } from "@/lib/remote";
import { type Readable, writable } from "@/lib/store";

export interface Refinement {
  /** The newest first. */
  readonly passes: readonly Pass[];
  /** Where older ones begin; `null`: these are all. */
  readonly next: string | null;
  readonly contradictions: readonly Contradiction[];
}

/** What is being done just now; only one thing is, at a time. */
export interface Doing {
  /** `preview`, `refine`, `older`, `undo p_1`, `undo p_1/2`, `settle user.city`; `null`: nothing. */
  readonly what: string | null;
  readonly error: ErrorFacts | null;
  /** What a pass would do. */
  readonly plan: Refined | null;
}

const SOON_MS = 600;
const IDLE: Doing = { what: null, error: null, plan: null };

export class RefinementStore {
  private readonly doings = writable<Doing>(IDLE);
  readonly doing: Readable<Doing> = this.doings;
  /** Passes with their acts, by id. */
  private readonly details = writable<Readonly<Record<string, PassDetail>>>({});
  readonly opened: Readable<Readonly<Record<string, PassDetail>>> = this.details;
  private timer: ReturnType<typeof setTimeout> | undefined;
  readonly remote = new Remote<Refinement>(async (signal) => {
    const [{ passes, next }, { contradictions }] = await Promise.all([
      refinementApi.passes("", signal),
      refinementApi.contradictions(signal),
    ]);
    return { passes, next: next ?? null, contradictions };
  });

  /** Memories changed: what is known may be old. */
  loadSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.remote.load();
    }, SOON_MS);
  }

  async preview(): Promise<void> {
    await this.act("preview", async () => {
      const plan = await refinementApi.preview();
      this.doings.update((doing) => ({ ...doing, plan }));
    });
  }

  dismiss(): void {
    this.doings.update((doing) => ({ ...doing, plan: null, error: null }));
  }

  /** `null`: it could not be done. */
  async refine(): Promise<Refined | null> {
    return this.act("refine", async () => {
      const done = await refinementApi.refine();
      this.doings.update((doing) => ({ ...doing, plan: null }));
      this.changed(done.acts.flatMap(({ memories }) => memories.map(({ id }) => id)));
      await this.remote.load();
      return done;
    });
  }

  async older(): Promise<void> {
    const { value } = this.remote.state.get();
    const before = value?.next;
    if (!before) return;
    await this.act("older", async () => {
      const { passes, next } = await refinementApi.passes(before);
      this.remote.change((all) => ({ ...all, passes: [...all.passes, ...passes], next: next ?? null }));
    });
  }

  /** Reads a pass with its acts. Throws what the server has against it. */
  async read(id: string, signal?: AbortSignal): Promise<void> {
    this.keep(await refinementApi.pass(id, signal));
  }

  /** `n`: one of its acts; absent: all of it. `null`: it could not be done. */
  async undo(id: string, n?: number): Promise<PassDetail | null> {
    return this.act(n === undefined ? `undo ${id}` : `undo ${id}/${n}`, async () =>
      this.settled(await (n === undefined ? refinementApi.undo(id) : refinementApi.undoAct(id, n))),
    );
  }

  /** `holds`: the memory that holds; `null`: all of them do. */
  async settle(key: string, holds: string | null): Promise<PassDetail | null> {
    return this.act(`settle ${key}`, async () => this.settled(await refinementApi.settle(key, holds)));
  }

  private async settled(pass: PassDetail): Promise<PassDetail> {
    this.keep(pass);
    this.changed(
      pass.acts.flatMap(({ memories, added }) => [...memories.map(({ id }) => id), ...(added ?? [])]),
    );
    await this.remote.load();
    return pass;
  }

  private keep(pass: PassDetail): void {
    this.details.update((known) => ({ ...known, [pass.id]: pass }));
    // Only what differs, as whoever shows it reads again when the list is another.
    const listed = this.remote.state.get().value?.passes.find(({ id }) => id === pass.id);
    if (listed === undefined || listed.undoneAt === pass.undoneAt) return;
    this.remote.change((all) => ({
      ...all,
      passes: all.passes.map((one) => (one.id === pass.id ? { ...one, undoneAt: pass.undoneAt } : one)),
    }));
  }

  private changed(ids: readonly string[]): void {
    memoryList.heard(ids);
    memoryState.loadSoon();
  }

  private async act<Value>(what: string, work: () => Promise<Value>): Promise<Value | null> {
    if (this.doings.get().what !== null) return null;
    this.doings.update((doing) => ({ ...doing, what, error: null }));
    try {
      return await work();
    } catch (cause) {
      this.doings.update((doing) => ({ ...doing, error: factsOf(cause) }));
      return null;
    } finally {
      this.doings.update((doing) => ({ ...doing, what: null }));
    }
  }
}

/** The page's one. */
export const refinement = new RefinementStore();
