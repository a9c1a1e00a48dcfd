import { type KeyboardEvent, type PointerEvent, type RefObject, useEffect, useRef } from "react";
import { type MapLens, STEP } from "@/features/memory/map-lens";
import { isWithin, type Spot, type SpotGrid, toPlane, toScreen } from "@/lib/map-geometry";
import type { MapPoint } from "@/lib/memory-api";

/** Pixels from a point within which it is meant; a finger is broader than a mouse. */
const REACH = { mouse: 12, touch: 24 } as const;
/** What is moved less than this is a tap. */
const TAP = 5;
const KEY_SHIFT = 64;

export interface MapHands {
  readonly lens: MapLens;
  readonly points: readonly MapPoint[];
  readonly grid: SpotGrid;
  /** One finger, or the mouse, draws a loop instead of moving the map. */
  readonly isLooping: boolean;
  readonly pointed: string | null;
  readonly onPoint: (id: string | null) => void;
  readonly onOpen: (id: string) => void;
  /** The loop as it is drawn; empty: none. */
  readonly onLoop: (loop: readonly Spot[]) => void;
  /** What is within the finished loop. */
  readonly onChoose: (ids: readonly string[]) => void;
}

interface Gestures {
  onPointerDown: (event: PointerEvent<HTMLCanvasElement>) => void;
  onPointerMove: (event: PointerEvent<HTMLCanvasElement>) => void;
  onPointerUp: (event: PointerEvent<HTMLCanvasElement>) => void;
  onPointerCancel: (event: PointerEvent<HTMLCanvasElement>) => void;
  onPointerLeave: (event: PointerEvent<HTMLCanvasElement>) => void;
  onKeyDown: (event: KeyboardEvent<HTMLCanvasElement>) => void;
}

interface Drag {
  readonly start: Spot;
  readonly isLoop: boolean;
  moved: boolean;
  loop: Spot[];
}

const KEYS: Readonly<Record<string, (lens: MapLens) => void>> = {
  ArrowLeft: (lens) => lens.shift(KEY_SHIFT, 0),
  ArrowRight: (lens) => lens.shift(-KEY_SHIFT, 0),
  ArrowUp: (lens) => lens.shift(0, KEY_SHIFT),
  ArrowDown: (lens) => lens.shift(0, -KEY_SHIFT),
  "+": (lens) => lens.zoom(STEP),
  "=": (lens) => lens.zoom(STEP),
  "-": (lens) => lens.zoom(1 / STEP),
  "0": (lens) => lens.showAll(),
};

/** Mouse, fingers, wheel and keys on the map. */
export function useMapGestures(canvas: RefObject<HTMLCanvasElement | null>, hands: MapHands): Gestures {
  const { lens } = hands;
  const down = useRef(new Map<number, Spot>());
  const drag = useRef<Drag | null>(null);
  const place = (event: PointerEvent<HTMLCanvasElement>): Spot => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const indexUnder = (at: Spot, touch: boolean): number => {
    const { scale } = lens.lens.get();
    const reach = (touch ? REACH.touch : REACH.mouse) / scale;
    return hands.grid.nearest(toPlane(lens.lens.get(), lens.size.get(), at), reach);
  };
  const under = (at: Spot, touch: boolean): string | null => hands.points[indexUnder(at, touch)]?.id ?? null;
  // The point that is meant stays where it is, however far one goes; else what is under the pointer.
  const anchor = useRef((at: Spot): Spot => at);
  anchor.current = (at) => {
    const point = hands.points[indexUnder(at, false)];
    return point === undefined ? at : toScreen(lens.lens.get(), lens.size.get(), point);
  };
  useEffect(() => {
    const element = canvas.current;
    // React listens passively to the wheel; the page must not scroll or zoom with the map.
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      const speed = event.ctrlKey ? 0.01 : 0.0016;
      const at = { x: event.offsetX, y: event.offsetY };
      lens.zoom(Math.exp(-event.deltaY * lines * speed), anchor.current(at));
    };
    element?.addEventListener("wheel", wheel, { passive: false });
    return () => element?.removeEventListener("wheel", wheel);
  }, [canvas, lens]);

  const within = (loop: readonly Spot[]): string[] =>
    hands.points
      .filter((point) => isWithin(loop, toScreen(lens.lens.get(), lens.size.get(), point)))
      .map(({ id }) => id);
  const end = (event: PointerEvent<HTMLCanvasElement>): Drag | null => {
    down.current.delete(event.pointerId);
    const ended = drag.current;
    drag.current = null;
    hands.onLoop([]);
    return ended;
  };

  return {
    onPointerDown(event) {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      const at = place(event);
      down.current.set(event.pointerId, at);
      const isAlone = down.current.size === 1;
      drag.current = isAlone
        ? { start: at, isLoop: hands.isLooping || event.shiftKey, moved: false, loop: [at] }
        : null;
      if (!isAlone) hands.onLoop([]);
    },
    onPointerMove(event) {
      const at = place(event);
      const before = down.current.get(event.pointerId);
      if (before === undefined) {
        if (event.pointerType === "mouse") hands.onPoint(under(at, false));
        return;
      }
      const fingers = [...down.current.entries()].slice(0, 2);
      down.current.set(event.pointerId, at);
      const [first, second] = fingers;
      if (first !== undefined && second !== undefined) {
        const now = ([id, spot]: [number, Spot]): Spot => (id === event.pointerId ? at : spot);
        lens.pinch([first[1], second[1]], [now(first), now(second)]);
        return;
      }
      const held = drag.current;
      if (held === null) return;
      if (!held.moved && Math.hypot(at.x - held.start.x, at.y - held.start.y) < TAP) return;
      held.moved = true;
      if (held.isLoop) {
        held.loop = [...held.loop, at];
        hands.onLoop(held.loop);
      } else lens.shift(at.x - before.x, at.y - before.y);
    },
    onPointerUp(event) {
      const at = place(event);
      const ended = end(event);
      if (ended === null) return;
      if (ended.moved) {
        if (ended.isLoop) hands.onChoose(within(ended.loop));
        return;
      }
      const isTouch = event.pointerType !== "mouse";
      const id = under(at, isTouch);
      if (id === null) {
        hands.onPoint(null);
        hands.onChoose([]);
      } else if (isTouch && hands.pointed !== id) hands.onPoint(id);
      else hands.onOpen(id);
    },
    onPointerCancel: end,
    onPointerLeave(event) {
      if (event.pointerType === "mouse" && down.current.size === 0) hands.onPoint(null);
    },
    onKeyDown(event) {
      if (event.metaKey || event.ctrlKey || event.altKey) return;
      if (event.key === "Escape") hands.onChoose([]);
      else if (event.key === "Enter" && hands.pointed !== null) hands.onOpen(hands.pointed);
      else if (KEYS[event.key] !== undefined) KEYS[event.key]?.(lens);
      else return;
      event.preventDefault();
    },
  };
}
