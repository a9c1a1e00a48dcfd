/** The files of the knowledge base, and those that are on their way to it. Knows no React. */

import { ApiProblem, factsOf } from "@/lib/api";
import { type KnowledgeDocument, type KnowledgeReply, knowledgeApi, putFile } from "@/lib/knowledge-api";
import { isKnownFormat, looksBinary, refusalOf } from "@/lib/knowledge-words";
import type { DocumentProgress, ErrorFacts } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";

/** A file under the name that it is to have: with its folders where one was dropped. */
export interface NamedFile {
  readonly name: string;
  readonly file: File;
}

/** A file that is not there yet. `sent`: 0 to 1. */
export interface Upload {
  readonly key: number;
  readonly name: string;
  readonly bytes: number;
  readonly state: "waiting" | "sending" | "refused";
  readonly sent: number;
  readonly error: ErrorFacts | null;
}

export interface KnowledgeState {
  /** `null`: not asked for yet. */
  readonly documents: readonly KnowledgeDocument[] | null;
  readonly folder: string | null;
  /** Why the folder cannot be watched just now; empty: it is. */
  readonly problem: string;
  readonly formats: readonly string[];
  /** Of a file; 0: not known yet. */
  readonly maxBytes: number;
  readonly uploads: readonly Upload[];
  /** By id: of when the file was (Unix seconds) whose place one took that was put in here. */
  readonly replaced: Readonly<Record<string, number>>;
  readonly error: ErrorFacts | null;
}

const EMPTY: KnowledgeState = {
  documents: null,
  folder: null,
  problem: "",
  formats: [],
  maxBytes: 0,
  uploads: [],
  replaced: {},
  error: null,
};
const AT_ONCE = 3;
const REFRESH_PAUSE_MS = 400;

/** The documents after a word on one of them; `null`: it is not known here. */
export function withProgress(
  documents: readonly KnowledgeDocument[],
  told: DocumentProgress,
): KnowledgeDocument[] | null {
  if (told.deleted) return documents.filter(({ id }) => id !== told.id);
  const at = documents.findIndex(({ id }) => id === told.id);
  const before = documents[at];
  if (before === undefined) return null;
  const { state, chunks = 0, done = 0, name, error = null } = told;
  const after = { ...before, state, chunks, done, name, error: error as KnowledgeDocument["error"] };
  return documents.with(at, after);
}

/** In place of what was known of it; a new one comes first. */
export function withDocument(
  documents: readonly KnowledgeDocument[],
  document: KnowledgeDocument,
): KnowledgeDocument[] {
  return [document, ...documents.filter(({ id }) => id !== document.id)];
}

/** Newest first; those that something is wrong with, before them. */
export function inOrder(documents: readonly KnowledgeDocument[]): KnowledgeDocument[] {
  const failed = ({ state }: KnowledgeDocument): number => (state === "failed" ? 1 : 0);
  return [...documents].sort(
    (one, other) =>
      failed(other) - failed(one) || other.updatedAt - one.updatedAt || (one.name < other.name ? -1 : 1),
  );
}

export class KnowledgeList {
  private readonly store = writable<KnowledgeState>(EMPTY);
  readonly state: Readable<KnowledgeState> = this.store;
  /** What was put in while the page is open, to be put in again. */
  private readonly files = new Map<string, File>();
  private readonly sending = new Map<number, AbortController>();
  private nextKey = 1;
  private timer: ReturnType<typeof setTimeout> | undefined;

  async load(): Promise<void> {
    try {
      const reply = await knowledgeApi.list();
      this.store.update((state) => ({ ...state, ...known(reply), error: null }));
    } catch (cause) {
      this.store.update((state) => ({ ...state, error: factsOf(cause) }));
    }
  }

  /** What the server says of a file while it reads it. */
  heard(told: DocumentProgress): void {
    const { documents } = this.store.get();
    if (documents === null) return;
    const after = withProgress(documents, told);
    if (after !== null) this.store.update((state) => ({ ...state, documents: after }));
    // What the word does not have, such as the time, is asked for once it has an end.
    if (after !== null && (told.deleted || told.state === "reading" || told.state === "waiting")) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.load();
    }, REFRESH_PAUSE_MS);
  }

  /** Sends the files, a few at once. One that cannot be taken is refused before anything of it is sent. */
  async put(files: readonly NamedFile[]): Promise<void> {
    if (this.store.get().documents === null) await this.load();
    const takes = this.store.get();
    const uploads: Upload[] = [];
    for (const { name, file } of files) {
      const binary = !isKnownFormat(name, takes.formats) && looksBinary(await beginningOf(file));
      const error = refusalOf(name, file.size, takes, binary);
      const state = error === null ? "waiting" : "refused";
      uploads.push({ key: this.nextKey++, name, bytes: file.size, state, sent: 0, error });
    }
    for (const { name, file } of files) this.files.set(name, file);
    this.store.update((state) => ({ ...state, uploads: [...state.uploads, ...uploads] }));
    this.pump();
  }

  /** Ids of the files that have been read, the newest first. */
  ids(): string[] {
    return inOrder(this.store.get().documents ?? []).map(({ id }) => id);
  }

  /** Whether the page has still got the file itself. */
  has(name: string): boolean {
    return this.files.has(name);
  }

  /** The file once more, as it was given to this page. */
  putAgain(name: string): void {
    const file = this.files.get(name);
    if (file !== undefined) void this.put([{ name, file }]);
  }

  /** Stops an upload, or takes a refused one from the list. */
  drop(key: number): void {
    this.sending.get(key)?.abort();
    this.without(key);
  }

  dropRefused(): void {
    this.store.update((state) => ({
      ...state,
      uploads: state.uploads.filter(({ state: stands }) => stands !== "refused"),
    }));
  }

  async remove(id: string): Promise<void> {
    await knowledgeApi.remove(id);
    this.store.update((state) => ({
      ...state,
      documents: state.documents?.filter((document) => document.id !== id) ?? null,
    }));
  }

  private pump(): void {
    while (this.sending.size < AT_ONCE) {
      const next = this.store.get().uploads.find(({ state }) => state === "waiting");
      const file = this.files.get(next?.name ?? "");
      if (next === undefined) return;
      if (file === undefined) this.without(next.key);
      else void this.send(next, file);
    }
  }

  private async send({ key, name }: Upload, file: File): Promise<void> {
    const stop = new AbortController();
    this.sending.set(key, stop);
    this.patch(key, { state: "sending" });
    try {
      const document = await putFile(name, file, (sent) => this.patch(key, { sent }), stop.signal);
      const one = this.store.get().documents?.find((each) => each.name === name && each.origin === "page");
      // What is the same is not read again.
      const isOther =
        one !== undefined && (document.state !== "ready" || document.updatedAt !== one.updatedAt);
      this.store.update((state) => ({
        ...state,
        replaced: isOther ? { ...state.replaced, [document.id]: one.updatedAt } : state.replaced,
        documents: withDocument(state.documents ?? [], document),
        uploads: state.uploads.filter((upload) => upload.key !== key),
      }));
    } catch (cause) {
      const stopped = cause instanceof DOMException && cause.name === "AbortError";
      if (!stopped) this.patch(key, { state: "refused", error: sendError(name, cause) });
    } finally {
      this.sending.delete(key);
      this.pump();
    }
  }

  private patch(key: number, change: Partial<Upload>): void {
    this.store.update((state) => ({
      ...state,
      uploads: state.uploads.map((upload) => (upload.key === key ? { ...upload, ...change } : upload)),
    }));
  }

  private without(key: number): void {
    this.store.update((state) => ({
      ...state,
      uploads: state.uploads.filter((upload) => upload.key !== key),
    }));
  }
}

const SNIFFED = 2_048;

/** Its first bytes; none where it cannot be read any more, which sending it will show. */
async function beginningOf(file: File): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(0, SNIFFED).arrayBuffer());
  } catch {
    return new Uint8Array();
  }
}

function known(reply: KnowledgeReply): Partial<KnowledgeState> {
  const { documents, folder = null, problem = "", formats, maxBytes } = reply;
  return { documents, folder, problem, formats, maxBytes };
}

/** A file that changed or went on the disk since it was chosen cannot be read by the browser: no word of the server's. */
function sendError(name: string, cause: unknown): ErrorFacts {
  if (cause instanceof ApiProblem) return cause.facts;
  const hint = "It may have been changed or moved since it was chosen. Choose it again.";
  return { code: "not_sent", message: `${name} could not be sent.`, hint };
}

/** The page's one list. */
export const knowledge = new KnowledgeList();
