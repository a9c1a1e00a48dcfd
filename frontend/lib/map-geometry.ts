/** The map's plane on a screen: zoom and shift, who is under the pointer, who is within a loop, where words have room. Pure. */

export interface Spot {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `x`, `y`: what of the plane is in the middle of the screen; `scale`: pixels per unit. The plane's y points up. */
export interface Lens extends Spot {
  readonly scale: number;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const MARGIN = 36;
const MOST_SCALE = 40_000;
/** How far out one can go: to so much of what fits. */
const LEAST_SHARE = 0.5;

/** Everything, as large as it fits. */
export function fitted(spots: readonly Spot[], size: Size): Lens {
  const { left, right, bottom, top } = around(spots);
  if (left > right) return { x: 0, y: 0, scale: scaleFor(2, 2, size) };
  const scale = scaleFor(Math.max(right - left, 0.02), Math.max(top - bottom, 0.02), size);
  return { x: (left + right) / 2, y: (bottom + top) / 2, scale };
}

function around(spots: readonly Spot[]): Box {
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of spots) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    bottom = Math.min(bottom, y);
    top = Math.max(top, y);
  }
  return { left, right, bottom, top };
}

function scaleFor(width: number, height: number, size: Size): number {
  const room = (side: number): number => Math.max(40, side - 2 * MARGIN);
  return Math.min(room(size.width) / width, room(size.height) / height);
}

export function toScreen(lens: Lens, size: Size, spot: Spot): Spot {
  return {
    x: (spot.x - lens.x) * lens.scale + size.width / 2,
    y: (lens.y - spot.y) * lens.scale + size.height / 2,
  };
}

export function toPlane(lens: Lens, size: Size, at: Spot): Spot {
  return {
    x: (at.x - size.width / 2) / lens.scale + lens.x,
    y: lens.y - (at.y - size.height / 2) / lens.scale,
  };
}

/** Nearer or farther; what is under `at` stays there. `fit`: the scale at which all is seen. */
export function zoomed(lens: Lens, size: Size, at: Spot, factor: number, fit: number): Lens {
  const scale = Math.min(MOST_SCALE, Math.max(fit * LEAST_SHARE, lens.scale * factor));
  const fixed = toPlane(lens, size, at);
  return {
    scale,
    x: fixed.x - (at.x - size.width / 2) / scale,
    y: fixed.y + (at.y - size.height / 2) / scale,
  };
}

/** Moved by so many pixels of the screen. */
export function shifted(lens: Lens, dx: number, dy: number): Lens {
  return { ...lens, x: lens.x - dx / lens.scale, y: lens.y + dy / lens.scale };
}

/** So that one of the spots at least is within the view: the nearest comes to its edge where there is none. */
export function withSpot(lens: Lens, size: Size, spots: readonly Spot[]): Lens {
  if (size.width === 0 || size.height === 0) return lens;
  const margin = Math.min(MARGIN, size.width / 4, size.height / 4);
  let least = Infinity;
  let off: Spot = { x: 0, y: 0 };
  for (const spot of spots) {
    const { x, y } = toScreen(lens, size, spot);
    if (x >= 0 && y >= 0 && x <= size.width && y <= size.height) return lens;
    const dx = outside(x, margin, size.width - margin);
    const dy = outside(y, margin, size.height - margin);
    const far = Math.hypot(dx, dy);
    if (far >= least) continue;
    least = far;
    off = { x: dx, y: dy };
  }
  return least === Infinity ? lens : shifted(lens, -off.x, -off.y);
}

function outside(value: number, low: number, high: number): number {
  return value < low ? value - low : Math.max(0, value - high);
}

/** The middle of the view stays where the spots are. */
export function near(lens: Lens, spots: readonly Spot[]): Lens {
  const { left, right, bottom, top } = around(spots);
  if (left > right) return lens;
  return { ...lens, x: clamp(lens.x, left, right), y: clamp(lens.y, bottom, top) };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** What of two fingers: from where they were to where they are. */
export function pinched(
  lens: Lens,
  size: Size,
  before: readonly [Spot, Spot],
  after: readonly [Spot, Spot],
  fit: number,
): Lens {
  const middle = ([a, b]: readonly [Spot, Spot]): Spot => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const span = ([a, b]: readonly [Spot, Spot]): number => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
  const [from, to] = [middle(before), middle(after)];
  const moved = shifted(lens, to.x - from.x, to.y - from.y);
  return zoomed(moved, size, to, span(after) / span(before), fit);
}

const CELLS = 64;

/** The points in cells, so that asking who is near looks at a few of them only. */
export class SpotGrid {
  private readonly cells = new Map<number, number[]>();

  constructor(private readonly spots: readonly Spot[]) {
    for (const [at, spot] of spots.entries()) {
      const key = this.key(this.cell(spot.x), this.cell(spot.y));
      const cell = this.cells.get(key);
      if (cell === undefined) this.cells.set(key, [at]);
      else cell.push(at);
    }
  }

  /** The index of the nearest point within `reach` of the plane; -1: none is so near. */
  nearest(at: Spot, reach: number): number {
    let best = -1;
    let least = reach;
    for (const index of this.within(at.x - reach, at.x + reach, at.y - reach, at.y + reach)) {
      const spot = this.spots[index];
      if (spot === undefined) continue;
      const far = Math.hypot(spot.x - at.x, spot.y - at.y);
      if (far > least) continue;
      least = far;
      best = index;
    }
    return best;
  }

  /** Indexes of the points in this part of the plane, and perhaps of some just beside it. */
  within(left: number, right: number, bottom: number, top: number): number[] {
    const [from, to] = [this.cell(left), this.cell(right)];
    const [low, high] = [this.cell(bottom), this.cell(top)];
    if ((to - from + 1) * (high - low + 1) > this.cells.size) return [...this.cells.values()].flat();
    const found: number[] = [];
    for (let x = from; x <= to; x++)
      for (let y = low; y <= high; y++) found.push(...(this.cells.get(this.key(x, y)) ?? []));
    return found;
  }

  private cell(value: number): number {
    return Math.floor((value + 1) * (CELLS / 2));
  }

  private key(x: number, y: number): number {
    return x * 100_003 + y;
  }
}

/** Whether a point is within a closed loop (even-odd). */
export function isWithin(loop: readonly Spot[], at: Spot): boolean {
  let inside = false;
  for (let i = 0, j = loop.length - 1; i < loop.length; j = i++) {
    const [a, b] = [loop[i], loop[j]];
    if (a === undefined || b === undefined) continue;
    if (a.y > at.y !== b.y > at.y && at.x < ((b.x - a.x) * (at.y - a.y)) / (b.y - a.y) + a.x)
      inside = !inside;
  }
  return inside;
}

/** Words that want to stand at one of these places, the best first. */
export interface Wanted {
  readonly places: readonly Box[];
}

export interface Placed<Word extends Wanted> {
  readonly word: Word;
  readonly place: Box;
}

function overlap(one: Box, other: Box): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

const ROW = 32;

/** Which rows of the screen it is in. */
function rowsOf({ top, bottom }: Box): number[] {
  const first = Math.floor(top / ROW);
  return Array.from({ length: Math.floor(bottom / ROW) - first + 1 }, (_, at) => first + at);
}

/** So that a word is compared with what is in its rows, and not with thousands of points. */
function byRow(boxes: readonly Box[]): ReadonlyMap<number, readonly Box[]> {
  const rows = new Map<number, Box[]>();
  for (const box of boxes)
    for (const row of rowsOf(box)) {
      const there = rows.get(row);
      if (there === undefined) rows.set(row, [box]);
      else there.push(box);
    }
  return rows;
}

/** Which of the words have room: the first come first, none over another or over what is taken, none over the edge. */
export function withRoom<Word extends Wanted>(
  wanted: readonly Word[],
  taken: readonly Box[],
  size: Size,
  most: number,
): Placed<Word>[] {
  const placed: Placed<Word>[] = [];
  const inRows = byRow(taken);
  const isFree = (place: Box): boolean =>
    place.left >= 0 &&
    place.right <= size.width &&
    place.top >= 0 &&
    place.bottom <= size.height &&
    !rowsOf(place).some((row) => inRows.get(row)?.some((box) => overlap(place, box))) &&
    !placed.some((other) => overlap(place, other.place));
  for (const word of wanted) {
    if (placed.length >= most) break;
    const place = word.places.find(isFree);
    if (place !== undefined) placed.push({ word, place });
  }
  return placed;
}
