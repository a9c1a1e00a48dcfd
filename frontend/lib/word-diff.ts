/**
 * What differs between two texts, by words: Myers' greedy algorithm ("An O(ND) Difference Algorithm and Its
 * Variations", 1986) over words and the space between them. Pure. Its cost is bounded: texts that have more than
 * `MOST_EDITS` differing words between their common ends are shown as replaced as a whole.
 */

export interface DiffPart {
  readonly kind: "same" | "removed" | "added";
  readonly text: string;
}

/** Words and numbers (also `48,000` and `air-water`), each other sign by itself, and the space between them. */
const WORDS = /\s+|[\p{L}\p{N}]+(?:[.,'’-][\p{L}\p{N}]+)*|[^\s\p{L}\p{N}]/gu;
const MOST_EDITS = 600;

export function diffWords(before: string, after: string): DiffPart[] {
  const a = before.match(WORDS) ?? [];
  const b = after.match(WORDS) ?? [];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  )
    tail++;
  const parts: DiffPart[] = [
    { kind: "same", text: a.slice(0, head).join("") },
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    { kind: "same", text: a.slice(a.length - tail).join("") },
  ];
  return joined(parts);
}

function middle(a: readonly string[], b: readonly string[]): DiffPart[] {
  const trace = search(a, b);
  if (trace === null)
    return [
      { kind: "removed", text: a.join("") },
      { kind: "added", text: b.join("") },
    ];
  const parts: DiffPart[] = [];
  let [x, y] = [a.length, b.length];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const reach = trace[edits] ?? new Map<number, number>();
    const k = x - y;
    const down = k === -edits || (k !== edits && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
    const from = down ? k + 1 : k - 1;
    const fromX = edits === 0 ? 0 : (reach.get(from) ?? 0);
    const fromY = fromX - from;
    while (x > Math.max(fromX, 0) && y > Math.max(edits === 0 ? 0 : fromY, 0) && a[x - 1] === b[y - 1]) {
      parts.push({ kind: "same", text: a[x - 1] ?? "" });
      x--;
      y--;
    }
    if (edits === 0) break;
    if (down) parts.push({ kind: "added", text: b[y - 1] ?? "" });
    else parts.push({ kind: "removed", text: a[x - 1] ?? "" });
    [x, y] = [fromX, fromY];
  }
  return parts.reverse();
}

/** For each number of edits, how far along each diagonal one had come before it; `null` when there are too many. */
function search(a: readonly string[], b: readonly string[]): Map<number, number>[] | null {
  const trace: Map<number, number>[] = [];
  const reach = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= Math.min(a.length + b.length, MOST_EDITS); edits++) {
    trace.push(new Map(reach));
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
      let x = down ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++;
        y++;
      }
      reach.set(k, x);
      if (x >= a.length && y >= b.length) return trace;
    }
  }
  return null;
}

/** Neighbours of one kind become one part. */
function joined(parts: readonly DiffPart[]): DiffPart[] {
  const out: DiffPart[] = [];
  for (const part of parts) {
    if (part.text === "") continue;
    const last = out.at(-1);
    if (last?.kind === part.kind) out[out.length - 1] = { kind: part.kind, text: last.text + part.text };
    else out.push(part);
  }
  return out;
}
