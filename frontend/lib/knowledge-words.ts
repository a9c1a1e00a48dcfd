/** What is said of a file of the knowledge base, and which files it takes. Pure. */

import { count, percent, plural } from "@/lib/format";
import type { Chunk, KnowledgeDocument } from "@/lib/knowledge-api";
import type { ErrorFacts } from "@/lib/protocol";
import { listed } from "@/lib/task-words";

/** `notes/todo.MD` → `md`; empty: it has no ending. */
export function endingOf(name: string): string {
  const last = name.slice(name.lastIndexOf("/") + 1);
  const dot = last.lastIndexOf(".");
  return dot <= 0 ? "" : last.slice(dot + 1).toLowerCase();
}

/** `64 MiB`, `64.1 MiB`: how the largest size of a file is set, and what is held against it. Rounded up. */
export function mebibytes(value: number): string {
  return `${Math.ceil((value / 2 ** 20) * 10) / 10} MiB`;
}

function bare(format: string): string {
  return format.replace(/^\*?\./, "").toLowerCase();
}

/** Whether a file's ending says that it is read; with any other it may still be text. */
export function isKnownFormat(name: string, formats: readonly string[]): boolean {
  const ending = endingOf(name);
  return formats.some((format) => bare(format) === ending);
}

/** Whether a file begins as no text does: with zeros, and no mark of UTF-16 or UTF-32 before them. */
export function looksBinary(beginning: Uint8Array): boolean {
  const [first, second] = beginning;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return false;
  return beginning.includes(0);
}

/** Why a file is not even sent; `null`: it is. `maxBytes` 0: not known. `binary`: see `looksBinary`. */
export function refusalOf(
  name: string,
  size: number,
  { formats, maxBytes }: { formats: readonly string[]; maxBytes: number },
  binary: boolean,
): ErrorFacts | null {
  if (maxBytes > 0 && size > maxBytes)
    return {
      code: "too_large",
      message: `${name} is too large: it has ${mebibytes(size)}, and a file may have ${mebibytes(maxBytes)}.`,
      hint: "Split it, or let Alma take larger ones with `ALMA_MAX_DOCUMENT_MIB`.",
    };
  if (size === 0) return { code: "empty_file", message: `${name} is empty: there is nothing to read in it.` };
  if (binary && formats.length > 0 && !isKnownFormat(name, formats))
    return {
      code: "unknown_format",
      message: `${name} cannot be read: it is no text, and no document of a kind that Alma knows.`,
      hint: `It reads ${formatWords(formats)}.`,
    };
  return null;
}

const PROSE = ["md", "txt", "pdf", "docx", "html", "csv"];

/** `md, txt, pdf, docx, html, csv and 31 kinds of code` */
export function formatWords(formats: readonly string[]): string {
  const all = new Set(formats.map(bare));
  const first = PROSE.filter((format) => all.has(format));
  const others = [...all].filter((format) => !PROSE.includes(format));
  if (others.length > 4)
    return listed([...first, `${count(others.length)} more kinds of text, data and code`]);
  return listed([...first, ...others]);
}

/** How it stands, in a few words. */
export function documentWords({ state, chunks, done }: KnowledgeDocument): string {
  switch (state) {
    case "waiting":
      return "waits to be read";
    case "reading":
      return chunks > 0 ? `reading ${count(done)} of ${count(chunks)}` : "reading";
    case "ready":
      return plural(chunks, "piece");
    case "failed":
      return "could not be read";
  }
}

/** How far it is read, 0 to 1; `null`: that is not known, or it is not being read. */
export function readShare({ state, chunks, done }: KnowledgeDocument): number | null {
  return state === "reading" && chunks > 0 ? Math.min(1, done / chunks) : null;
}

/** `page 3 · used 4 times` */
export function pieceWords({ place, uses }: Pick<Chunk, "place" | "uses">): string {
  return [place, uses > 0 ? `used ${plural(uses, "time")}` : "not used yet"].filter(Boolean).join(" · ");
}

export function sentWords(sent: number): string {
  return sent < 1 ? `sending, ${percent(sent)}` : "sent";
}

/** Where it came from; `null`: put in by hand. */
export function watchedPath({ origin }: KnowledgeDocument): string | null {
  return origin === "page" ? null : origin;
}
