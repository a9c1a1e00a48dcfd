/** A document's text, cut where its pieces begin and end. Pure. */

export interface PieceRange {
  readonly id: string;
  /** Code points of the document's text. */
  readonly start: number;
  readonly end: number;
}

export interface TextSpan {
  readonly text: string;
  /** Ids of the pieces that it is part of, the one that began last as the last; pieces may overlap. */
  readonly pieces: readonly string[];
  /** The pieces that begin with it. */
  readonly begins: readonly string[];
}

/** UTF-16 places of code points, which are given in ascending order. */
function unitsOf(text: string, points: readonly number[]): number[] {
  const units: number[] = [];
  let [unit, point] = [0, 0];
  for (const wanted of points) {
    while (point < wanted && unit < text.length) {
      unit += (text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1;
      point++;
    }
    units.push(unit);
  }
  return units;
}

/** The whole text in order; what is in no piece has none. */
export function cutText(text: string, pieces: readonly PieceRange[]): TextSpan[] {
  const ordered = pieces
    .filter(({ start, end }) => end > start)
    .sort((one, other) => one.start - other.start || other.end - one.end);
  const edges = [...new Set([0, ...ordered.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  const units = unitsOf(text, edges);
  const spans: TextSpan[] = [];
  let open: PieceRange[] = [];
  let next = 0;
  for (const [at, edge] of edges.entries()) {
    open = open.filter(({ end }) => end > edge);
    const begins: string[] = [];
    for (let piece = ordered[next]; piece !== undefined && piece.start === edge; piece = ordered[++next]) {
      open.push(piece);
      begins.push(piece.id);
    }
    const part = text.slice(units[at], units[at + 1] ?? text.length);
    if (part !== "") spans.push({ text: part, pieces: open.map(({ id }) => id), begins });
  }
  return spans;
}

/** Above this many spans only those around a place are shown. */
const MOST_SPANS = 400;

export interface SpanWindow {
  readonly from: number;
  readonly to: number;
}

/** Which spans to show so that the one at `at` has as much before it as after it. */
export function windowAround(count: number, at: number, most = MOST_SPANS): SpanWindow {
  if (count <= most) return { from: 0, to: count };
  const from = Math.max(0, Math.min(count - most, at - Math.floor(most / 2)));
  return { from, to: from + most };
}
