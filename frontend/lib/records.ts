/** The records that are looked at, why one of them is as it is, and what the owner chose. Knows no React. */

import { memoryApi } from "@/lib/memory-api";
import { type Preferences, type RecordList, recordsApi, type Why } from "@/lib/records-api";
import { Remote } from "@/lib/remote";
import { type Readable, writable } from "@/lib/store";

/** The answer, and what it answers: what is asked now may be something else already. */
export interface Answered<Query, Reply> {
  readonly query: Query;
  readonly reply: Reply;
}

/** A question that changes as one looks around. */
export class Asked<Query, Reply> extends Remote<Answered<Query, Reply>> {
  private key = "";

  constructor(
    private query: Query,
    ask: (query: Query, signal: AbortSignal) => Promise<Reply>,
  ) {
    super(async (signal) => {
      const { query } = this;
      return { query, reply: await ask(query, signal) };
    });
  }

  /** Asks this from now on, at once where it is another question. */
  about(query: Query): void {
    const key = JSON.stringify(query);
    if (key === this.key) return;
    this.key = key;
    this.query = query;
    void this.load();
  }
}

export interface RecordQuery {
  readonly what: string;
  readonly context: string;
  readonly limit: number;
}
export interface WhyQuery {
  readonly item: string;
  readonly context: string;
  readonly limit: number;
}

export const FIRST_RECORDS = 25;
export const MOST_RECORDS = 200;
export const FIRST_RUNS = 20;
export const MOST_RUNS = 500;

export const records = new Asked<RecordQuery, RecordList>(
  { what: "role", context: "", limit: FIRST_RECORDS },
  ({ what, context, limit }, signal) => recordsApi.list(what, context, limit, signal),
);
export const why = new Asked<WhyQuery, Why>(
  { item: "role:manager", context: "", limit: FIRST_RUNS },
  ({ item, context, limit }, signal) => recordsApi.why(item, context, limit, signal),
);
export const preferences = new Remote<Preferences>(recordsApi.preferences);

// ── what memories and examples say ───────────────────────────────────────────────────────────────────────────────

const texts = writable<ReadonlyMap<string, string>>(new Map());
/** By item. */
export const itemTexts: Readable<ReadonlyMap<string, string>> = texts;
const wanted = new Set<string>();

/** Looks up what these items say, once; where that cannot be known their ids stand for them. */
export async function readTexts(items: readonly string[]): Promise<void> {
  const news = items.filter((item) => !wanted.has(item));
  for (const item of news) wanted.add(item);
  const know = (found: Iterable<readonly [string, string]>): void =>
    texts.update((known) => new Map([...known, ...found]));
  const ids = (what: string): string[] =>
    news.filter((item) => item.startsWith(`${what}:`)).map((item) => item.slice(what.length + 1));
  try {
    if (ids("example").length > 0) {
      const { lessons } = await recordsApi.lessons();
      know(lessons.map(({ id, task }) => [`example:${id}`, task] as const));
    }
    for (const id of ids("memory")) know([[`memory:${id}`, (await memoryApi.read(id)).memory.text]]);
  } catch {
    // It is gone, or cannot be read now.
  }
}
