/** The records that are looked at, why one of them is as it is, and what the owner chose. Knows no React. */

import { api } from "@/lib/api";
import { nameOf, noteOf } from "@/lib/belief-words";
import { memoryApi } from "@/lib/memory-api";
import { type Preferences, type RecordList, recordsApi, type Why } from "@/lib/records-api";
import { Remote } from "@/lib/remote";
import { type Readable, writable } from "@/lib/store";
import { notesOf } from "@/lib/version-draft";
import { versionsApi } from "@/lib/versions-api";

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

// ── what memories, examples and notes say, and how prompts are called ────────────────────────────────────────────────────────────────────────

const texts = writable<ReadonlyMap<string, string>>(new Map());
/** By item. */
export const itemTexts: Readable<ReadonlyMap<string, string>> = texts;
const wanted = new Set<string>();

type Found = readonly (readonly [item: string, text: string])[];

/** Looks up what these items say, once; where that cannot be known their ids stand for them. */
export async function readTexts(items: readonly string[]): Promise<void> {
  const news = items.filter((item) => SAYING.test(item) && !wanted.has(item));
  const of = (what: string): string[] => news.filter((item) => item.startsWith(`${what}:`));
  for (const item of news) wanted.add(item);
  await know(of("example"), examplesOf);
  await know(of("note"), notesSaid);
  await know(of("prompt"), promptsNamed);
  for (const item of of("memory")) await know([item], memoryOf);
}

const SAYING = /^(?:memory|example|note|prompt):/;

async function know(
  items: readonly string[],
  look: (items: readonly string[]) => Promise<Found>,
): Promise<void> {
  if (items.length === 0) return;
  try {
    const found = await look(items);
    texts.update((known) => new Map([...known, ...found]));
  } catch {
    for (const item of items) wanted.delete(item); // it is gone, or cannot be read now
  }
}

async function examplesOf(): Promise<Found> {
  const { lessons } = await recordsApi.lessons();
  return lessons.map(({ id, task }) => [`example:${id}`, task] as const);
}

async function memoryOf([item = ""]: readonly string[]): Promise<Found> {
  return [[item, (await memoryApi.read(nameOf(item))).memory.text]];
}

/** Files of roles as they are now, and versions that were named; of what is neither nobody knows a name. */
async function promptsNamed(items: readonly string[]): Promise<Found> {
  const [{ versions }, { agents }] = await Promise.all([versionsApi.list(), api.agents()]);
  const files = agents.map(({ name, version }) => [`prompt:${version}`, `The file of ${name}`] as const);
  const named = versions
    .filter(({ what, title }) => what === "prompt" && title !== "")
    .map(({ of, hash, title }) => [`prompt:${hash}`, `${title}, of ${of}`] as const);
  return [...files, ...named].filter(([item]) => items.includes(item));
}

/** Out of the sets that they are in. */
async function notesSaid(items: readonly string[]): Promise<Found> {
  const { versions } = await versionsApi.list();
  const sets = new Set(items.map((item) => noteOf(item)?.set));
  const found: [string, string][] = [];
  for (const { id, of, hash } of versions.filter(({ what, hash }) => what === "notes" && sets.has(hash)))
    for (const note of notesOf((await versionsApi.read(id)).content))
      found.push([`note:${of}.${hash}.${note.id}`, note.text]);
  return found;
}
