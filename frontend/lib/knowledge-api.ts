/** What the knowledge API takes and gives, typed. Knows no React. */

import { problemOf, request, unreachable } from "@/lib/api";
import type { ErrorFacts } from "@/lib/protocol";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];

export type KnowledgeDocument = Schemas["DocumentReply"];
export type KnowledgeReply = Schemas["KnowledgeReply"];
export type DocumentDetail = Schemas["DocumentDetailReply"];
export type Chunk = DocumentDetail["chunks"][number];
export type FoundPiece = Schemas["MemoryListReply"]["memories"][number];
export type PieceList = Schemas["MemoryListReply"];

const seg = encodeURIComponent;
/** A search asks for so many pieces, of at most so many files: beyond, of the newest ones. */
const SEARCHED = 50;
const MOST_FILES = 400;

export const knowledgeApi = {
  list: (signal?: AbortSignal) => request<KnowledgeReply>("GET", "/knowledge", undefined, signal),
  read: (id: string, signal?: AbortSignal) =>
    request<DocumentDetail>("GET", `/knowledge/${seg(id)}`, undefined, signal),
  remove: (id: string) => request<void>("DELETE", `/knowledge/${seg(id)}`),
  /** Pieces of these files. */
  search: (text: string, documents: readonly string[], signal?: AbortSignal) => {
    const query = new URLSearchParams({ query: text, limit: String(SEARCHED) });
    for (const id of documents.slice(0, MOST_FILES)) query.append("document", id);
    return request<PieceList>("GET", `/memories?${query}`, undefined, signal);
  },
};

/** A document's error, as facts; the server leaves `null` where it has nothing to say. */
export function documentError(document: KnowledgeDocument): ErrorFacts | null {
  const { error } = document;
  if (error == null) return null;
  const word = (key: string): string | undefined => error[key] || undefined;
  return {
    code: word("code") ?? "unreadable",
    message: word("message") ?? "It could not be read.",
    expected: word("expected"),
    actual: word("actual"),
    hint: word("hint"),
  };
}

function addressOf(name: string): string {
  return `/api/knowledge/files/${name.split("/").map(seg).join("/")}`;
}

/** Puts a file in, in place of one of that name. `fetch` does not say how much has been sent; this does, as 0 to 1. */
export function putFile(
  name: string,
  file: Blob,
  sent: (share: number) => void,
  signal: AbortSignal,
): Promise<KnowledgeDocument> {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    const stop = (): void => sending.abort();
    const end = (): void => signal.removeEventListener("abort", stop);
    sending.open("PUT", addressOf(name));
    sending.setRequestHeader("content-type", "application/octet-stream");
    sending.upload.onprogress = ({ loaded, total }) => sent(total > 0 ? loaded / total : 1);
    sending.onload = async () => {
      end();
      const { status, responseText } = sending;
      if (status >= 200 && status < 300) resolve(JSON.parse(responseText) as KnowledgeDocument);
      else reject(await problemOf(new Response(responseText, { status })));
    };
    sending.onerror = () => {
      end();
      reject(unreachable());
    };
    sending.onabort = () => {
      end();
      reject(new DOMException("stopped", "AbortError"));
    };
    signal.addEventListener("abort", stop);
    sending.send(file);
  });
}
