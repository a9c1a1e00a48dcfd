/** Short messages that come and go at the edge of the screen. Knows no React. */

import type { ErrorFacts } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";

export interface NoticeItem {
  readonly id: number;
  readonly tone: "info" | "error";
  readonly text: string;
  readonly hint: string | null;
  readonly action: { label: string; run: () => void } | null;
}

const INFO_MS = 6_000;
const ERROR_MS = 12_000;
const MOST = 4;

export class Notices {
  private readonly store = writable<readonly NoticeItem[]>([]);
  readonly items: Readable<readonly NoticeItem[]> = this.store;
  private nextId = 1;

  show(
    text: string,
    options: {
      tone?: NoticeItem["tone"];
      hint?: string | null;
      action?: NoticeItem["action"];
      forMs?: number;
    } = {},
  ): number {
    const tone = options.tone ?? "info";
    const id = this.nextId++;
    const item: NoticeItem = { id, tone, text, hint: options.hint ?? null, action: options.action ?? null };
    // The same again takes the other's place, unless that offers something: each Undo undoes something else.
    const others = this.store.get().filter((other) => other.text !== text || other.action !== null);
    this.store.set([...others, item].slice(-MOST));
    setTimeout(() => this.dismiss(id), options.forMs ?? (tone === "error" ? ERROR_MS : INFO_MS));
    return id;
  }

  error(facts: ErrorFacts): void {
    this.show(facts.message, { tone: "error", hint: facts.hint });
  }

  dismiss(id: number): void {
    this.store.update((items) => items.filter((item) => item.id !== id));
  }
}
