/** A unified diff as rows to show, with the words that differ where lines took the place of lines. Pure. */

import { type DiffPart, diffWords } from "@/lib/word-diff";

export interface DiffRow {
  readonly kind: "same" | "removed" | "added" | "gap";
  /** Of the line in each text, from 1; null: it is not there. */
  readonly before: number | null;
  readonly after: number | null;
  readonly parts: readonly DiffPart[];
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

export function diffRows(diff: string): DiffRow[] {
  const rows: DiffRow[] = [];
  let [before, after, begun] = [0, 0, false];
  let removed: string[] = [];
  let added: string[] = [];
  const flush = (): void => {
    rows.push(...changed(removed, added, before - removed.length, after - added.length));
    removed = [];
    added = [];
  };
  for (const line of diff.replace(/\n$/, "").split("\n")) {
    const hunk = HUNK.exec(line);
    if (hunk !== null) {
      flush();
      if (begun) rows.push({ kind: "gap", before: null, after: null, parts: [] });
      [before, after, begun] = [Number(hunk[1]), Number(hunk[2]), true];
    } else if (!begun || line.startsWith("\\")) {
      // The names of both texts; or that a line has no end.
    } else if (line.startsWith("-")) {
      if (added.length > 0) flush();
      removed.push(line.slice(1));
      before++;
    } else if (line.startsWith("+")) {
      added.push(line.slice(1));
      after++;
    } else {
      flush();
      rows.push(row("same", before++, after++, line.slice(1)));
    }
  }
  flush();
  return rows;
}

function row(kind: DiffRow["kind"], before: number | null, after: number | null, text: string): DiffRow {
  return { kind, before, after, parts: text === "" ? [] : [{ kind: "same", text }] };
}

/** Lines that left, and those that came in their place: the nth with the nth, by words. */
function changed(
  removed: readonly string[],
  added: readonly string[],
  before: number,
  after: number,
): DiffRow[] {
  const pairs = removed.map((text, index) => alike(text, added[index]));
  const out = removed.map((text, index): DiffRow => {
    const parts = pairs[index]?.filter(({ kind }) => kind !== "added");
    return { ...row("removed", before + index, null, text), ...(parts ? { parts } : {}) };
  });
  const came = added.map((text, index): DiffRow => {
    const parts = pairs[index]?.filter(({ kind }) => kind !== "removed");
    return { ...row("added", null, after + index, text), ...(parts ? { parts } : {}) };
  });
  return [...out, ...came];
}

/** The words of both, unless they have too little in common to be the same line. */
function alike(from: string, to: string | undefined): readonly DiffPart[] | null {
  if (to === undefined) return null;
  const parts = diffWords(from, to);
  const same = parts
    .filter(({ kind }) => kind === "same")
    .reduce((sum, { text }) => sum + text.trim().length, 0);
  return same * 3 >= Math.max(from.length, to.length) ? parts : null;
}
