/** What the agents of a run were reminded of: each look into memory, and what all of them came to. Pure. */

import { MAIN, type PassedOver, type Recall, type RecalledMemory } from "@/lib/protocol";

/** As the sender of a message: what an agent had been told has changed. */
export const MEMORY = "memory";

/** One look into memory: before a message was written, or by a call of a tool. */
export interface RecallState {
  readonly seq: number;
  /** The server's clock, ms. */
  readonly at: number;
  readonly taskId: string;
  readonly messageId: string;
  /** Empty where nobody asked: the agent was reminded. */
  readonly callId: string;
  readonly query: string;
  readonly hits: readonly RecalledMemory[];
  readonly missed: readonly PassedOver[];
  /** How many memories were compared in detail. */
  readonly considered: number;
  /** By meaning too, and not by words alone. */
  readonly dense: boolean;
  readonly ms: number;
}

export function newRecall(value: Recall, seq: number, at: number, taskId: string): RecallState {
  const { messageId, query, hits, missed = [], callId = "", considered = 0, dense = true, ms = 0 } = value;
  return { seq, at, taskId: taskId || MAIN, messageId, callId, query, hits, missed, considered, dense, ms };
}

/** Every memory that came, once, in the order in which it came first. */
export function memoriesOf(recalls: readonly RecallState[]): RecalledMemory[] {
  const memories = new Map<string, RecalledMemory>();
  for (const { hits } of recalls)
    for (const hit of hits) if (!memories.has(hit.id)) memories.set(hit.id, hit);
  return [...memories.values()];
}

/** The same look with what is new to the task only: a later step is told again what an earlier one was told. */
export interface NewsOfRecall {
  readonly recall: RecallState;
  readonly fresh: readonly RecalledMemory[];
  /** How many of its hits the task had before. */
  readonly before: number;
}

/** The looks of one task, in their order. */
export function newsOf(recalls: readonly RecallState[]): NewsOfRecall[] {
  const known = new Set<string>();
  return recalls.map((recall) => {
    const fresh = recall.hits.filter(({ id }) => !known.has(id));
    for (const { id } of fresh) known.add(id);
    return { recall, fresh, before: recall.hits.length - fresh.length };
  });
}

/** The looks of each task that had any. */
export function byTask(recalls: readonly RecallState[]): ReadonlyMap<string, RecallState[]> {
  const tasks = new Map<string, RecallState[]>();
  for (const recall of recalls) {
    const own = tasks.get(recall.taskId);
    if (own === undefined) tasks.set(recall.taskId, [recall]);
    else own.push(recall);
  }
  return tasks;
}

/** A place in a file that an agent was given. */
export interface FileSource {
  /** `handbook.pdf, page 3` */
  readonly label: string;
  readonly documentId: string;
  readonly memoryId: string;
}

/** Those of all memories that came, each place once, the best first. */
export function sourcesOf(recalls: readonly RecallState[]): FileSource[] {
  const sources = new Map<string, FileSource>();
  const hits = memoriesOf(recalls).filter(({ document_id }) => document_id);
  for (const { id, label = "", document_id = "" } of hits.sort((one, other) => other.score - one.score)) {
    const key = `${document_id} ${label}`;
    if (label !== "" && !sources.has(key)) sources.set(key, { label, documentId: document_id, memoryId: id });
  }
  return [...sources.values()];
}

/** The source that is named so, by its label or by its file's name alone; the best where that fits several. */
export function namedSource(name: string, sources: readonly FileSource[]): FileSource | null {
  const wanted = plain(name);
  if (wanted === "") return null;
  const labels = sources.map((source) => ({ source, label: plain(source.label) }));
  const exact = labels.find(({ label }) => label === wanted);
  const found = exact ?? labels.find(({ label }) => label.startsWith(`${wanted}, `));
  return found?.source ?? null;
}

function plain(text: string): string {
  return text.trim().replace(/\s+/g, " ").toLowerCase();
}
