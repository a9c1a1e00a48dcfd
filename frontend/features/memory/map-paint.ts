/** Draws the map. Points of one colour are one path, so that thousands of them cost a few milliseconds. */

import type { Coloured } from "@/lib/map-colour";
import {
  type Box,
  type Lens,
  type Size,
  type Spot,
  toScreen,
  type Wanted,
  withRoom,
} from "@/lib/map-geometry";
import type { MapPoint } from "@/lib/memory-api";
import { plain } from "@/lib/memory-words";

export interface Scene {
  readonly points: readonly MapPoint[];
  readonly colours: Coloured;
  /** Entries of the legend that are looked at alone; empty: all. */
  readonly only: ReadonlySet<string>;
  /** Those that a run was reminded of; empty: none lights up. */
  readonly lit: ReadonlySet<string>;
  readonly chosen: ReadonlySet<string>;
  /** Under the pointer, or under the keyboard in the list. */
  readonly pointed: string | null;
  readonly open: string | null;
  /** The loop that is being drawn, on the screen. */
  readonly loop: readonly Spot[];
}

/** The page's colours, as they are just now. */
export interface Ink {
  readonly of: (token: string) => string;
}

export function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const known = new Map<string, string>();
  return {
    of(token) {
      const colour = known.get(token) ?? style.getPropertyValue(token).trim();
      known.set(token, colour);
      return colour;
    },
  };
}

const FULL = 2 * Math.PI;
const DIM = 0.16;
const LABEL_CHARS = 36;
const LABEL_HEIGHT = 16;
const LABELS_FAR = 10;
const LABELS_NEAR = 40;
const LABELS_TRIED = 240;
const LABEL_GAP = 6;

/** Larger as one comes nearer, and where there are few. */
function radiusOf(lens: Lens, fit: number, count: number): number {
  const near = Math.log2(Math.max(1, lens.scale / Math.max(1, fit)));
  const base = count > 1500 ? 2.2 : count > 400 ? 3 : 4.5;
  return Math.min(8, base + near * 0.9);
}

interface Dot {
  readonly at: number;
  readonly x: number;
  readonly y: number;
}

export function paint(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  lens: Lens,
  size: Size,
  fit: number,
  ink: Ink,
): void {
  ctx.clearRect(0, 0, size.width, size.height);
  const radius = radiusOf(lens, fit, scene.points.length);
  const dots: Dot[] = [];
  for (const [at, point] of scene.points.entries()) {
    const { x, y } = toScreen(lens, size, point);
    if (x > -radius && y > -radius && x < size.width + radius && y < size.height + radius)
      dots.push({ at, x, y });
  }
  const seen = dots.filter((dot) => isSeen(scene, dot.at));
  const faint = seen.length === dots.length ? [] : dots.filter((dot) => !isSeen(scene, dot.at));
  fillAll(ctx, scene, faint, radius * 0.85, DIM, ink);
  fillAll(ctx, scene, seen, radius, 0.86, ink);
  ring(ctx, scene, dots, radius, ink);
  writeLabels(ctx, scene, seen, radius, lens.scale / fit, size, ink);
  drawLoop(ctx, scene.loop, ink);
}

/** Whether it is among what is looked at. */
function isSeen({ points, colours, only, lit, chosen }: Scene, at: number): boolean {
  const id = points[at]?.id ?? "";
  if (only.size > 0 && !only.has(colours.legend[colours.entries[at] ?? 0]?.id ?? "")) return false;
  if (chosen.size > 0) return chosen.has(id);
  return lit.size === 0 || lit.has(id);
}

function fillAll(
  ctx: CanvasRenderingContext2D,
  { colours }: Scene,
  dots: readonly Dot[],
  radius: number,
  alpha: number,
  ink: Ink,
): void {
  const byEntry: Dot[][] = colours.legend.map(() => []);
  for (const dot of dots) byEntry[colours.entries[dot.at] ?? 0]?.push(dot);
  ctx.globalAlpha = alpha;
  for (const [entry, members] of byEntry.entries()) {
    if (members.length === 0) continue;
    ctx.fillStyle = ink.of(colours.legend[entry]?.token ?? "--foreground");
    ctx.beginPath();
    for (const { x, y } of members) {
      ctx.moveTo(x + radius, y);
      ctx.arc(x, y, radius, 0, FULL);
    }
    ctx.fill();
  }
  ctx.globalAlpha = 1;
}

/** Rings say what colour does not: pinned, lit, chosen, pointed at, open. */
function ring(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  dots: readonly Dot[],
  radius: number,
  ink: Ink,
): void {
  const circle = ({ x, y }: Dot, far: number, width: number, token: string): void => {
    ctx.beginPath();
    ctx.arc(x, y, radius + far, 0, FULL);
    ctx.lineWidth = width;
    ctx.strokeStyle = ink.of(token);
    ctx.stroke();
  };
  for (const dot of dots) {
    const point = scene.points[dot.at];
    if (point === undefined) continue;
    if (point.pinned && isSeen(scene, dot.at)) circle(dot, 2, 1.25, "--foreground");
    if (scene.lit.has(point.id)) circle(dot, 3.5, 2, "--primary");
    if (point.id === scene.open) circle(dot, 4, 2.5, "--primary");
    if (point.id === scene.pointed) circle(dot, 3, 1.5, "--foreground");
  }
}

interface Label extends Wanted {
  readonly text: string;
}

/** What stands out is named, as far as there is room: lit ones first, then pinned, then those that are used most. */
function writeLabels(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  dots: readonly Dot[],
  radius: number,
  near: number,
  size: Size,
  ink: Ink,
): void {
  const weight = (at: number): number => {
    const point = scene.points[at];
    if (point === undefined) return 0;
    return (scene.lit.has(point.id) ? 1e6 : 0) + (point.pinned ? 1e3 : 0) + point.uses;
  };
  ctx.font = `11px ${getComputedStyle(ctx.canvas).fontFamily}`;
  ctx.textBaseline = "middle";
  const first = [...dots].sort((one, other) => weight(other.at) - weight(one.at)).slice(0, LABELS_TRIED);
  const wanted = first.map(({ at, x, y }): Label => {
    const text = shortened(plain(scene.points[at]?.label ?? ""));
    const width = ctx.measureText(text).width;
    const far = radius + LABEL_GAP;
    const [top, bottom] = [y - LABEL_HEIGHT / 2, y + LABEL_HEIGHT / 2];
    const right = { left: x + far, right: x + far + width, top, bottom };
    const left = { left: x - far - width, right: x - far, top, bottom };
    return { text, places: [right, left] };
  });
  const taken = [...cornersOf(size), ...dots.map((dot) => boxOf(dot, radius + 2))];
  const most = near > 2.2 || dots.length < 60 ? LABELS_NEAR : LABELS_FAR;
  ctx.lineJoin = "round";
  ctx.lineWidth = 3;
  ctx.strokeStyle = ink.of("--background");
  ctx.fillStyle = ink.of("--muted-foreground");
  for (const { word, place } of withRoom(wanted, taken, size, most)) {
    ctx.strokeText(word.text, place.left, place.top + LABEL_HEIGHT / 2);
    ctx.fillText(word.text, place.left, place.top + LABEL_HEIGHT / 2);
  }
}

function shortened(label: string): string {
  return label.length > LABEL_CHARS ? `${label.slice(0, LABEL_CHARS).replace(/[\s…]+$/, "")}…` : label;
}

/** Where the buttons for zooming are. */
function cornersOf({ width, height }: Size): Box[] {
  return [{ left: width - 60, right: width, top: height - 144, bottom: height }];
}

function boxOf({ x, y }: Dot, radius: number): Box {
  return { left: x - radius, right: x + radius, top: y - radius, bottom: y + radius };
}

function drawLoop(ctx: CanvasRenderingContext2D, loop: readonly Spot[], ink: Ink): void {
  const [first, ...rest] = loop;
  if (first === undefined || rest.length === 0) return;
  ctx.beginPath();
  ctx.moveTo(first.x, first.y);
  for (const { x, y } of rest) ctx.lineTo(x, y);
  ctx.closePath();
  ctx.fillStyle = ink.of("--primary");
  ctx.globalAlpha = 0.1;
  ctx.fill();
  ctx.globalAlpha = 1;
  ctx.lineWidth = 1.5;
  ctx.setLineDash([4, 3]);
  ctx.strokeStyle = ink.of("--primary");
  ctx.stroke();
  ctx.setLineDash([]);
}
