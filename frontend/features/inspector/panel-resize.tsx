"use client";

import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { useStore } from "@/hooks/use-store";
import { writable } from "@/lib/store";

const KEPT_AS = "alma.inspector.width";
const LEAST = 340;
/** What the conversation keeps beside it. */
const LEFT_OVER = 380;
const STEP = 24;

function remembered(): number | null {
  try {
    const value = Number(localStorage.getItem(KEPT_AS));
    return value >= LEAST ? value : null;
  } catch {
    return null;
  }
}

/** What a person chose; `null` leaves it to the content. */
const width = writable<number | null>(typeof window === "undefined" ? null : remembered());

function keep(value: number | null): void {
  const most = Math.max(LEAST, window.innerWidth - LEFT_OVER);
  const next = value === null ? null : Math.round(Math.min(most, Math.max(LEAST, value)));
  width.set(next);
  try {
    if (next === null) localStorage.removeItem(KEPT_AS);
    else localStorage.setItem(KEPT_AS, String(next));
  } catch {
    // Storage may be forbidden; then the width lasts as long as the page.
  }
}

/** The width of the panel as CSS: what was chosen, else what its content wants. */
export function usePanelWidth(planned: boolean): string {
  const chosen = useStore(width);
  if (chosen !== null) return `min(${chosen}px, calc(100vw - ${LEFT_OVER}px))`;
  return planned ? "clamp(420px, 46vw, 860px)" : "min(420px, 34vw)";
}

/** The edge of the panel: to drag, or to move with the arrow keys; a double click forgets what was chosen. */
export function PanelEdge() {
  const edge = useRef<HTMLDivElement>(null);
  const chosen = useStore(width);
  const size = (): number => edge.current?.parentElement?.getBoundingClientRect().width ?? LEAST;
  const drag = (event: PointerEvent<HTMLDivElement>): void => {
    event.preventDefault();
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    const right = handle.parentElement?.getBoundingClientRect().right ?? window.innerWidth;
    const move = (moved: globalThis.PointerEvent): void => keep(right - moved.clientX);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), {
      once: true,
    });
  };
  const press = (event: KeyboardEvent): void => {
    const to = { ArrowLeft: size() + STEP, ArrowRight: size() - STEP, Home: LEAST, End: window.innerWidth }[
      event.key
    ];
    if (to === undefined) return;
    event.preventDefault();
    keep(to);
  };
  return (
    <div
      ref={edge}
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label="Width of the inspector"
      aria-valuemin={LEAST}
      aria-valuenow={chosen ?? LEAST}
      data-slot="panel-edge"
      onPointerDown={drag}
      onKeyDown={press}
      onDoubleClick={() => keep(null)}
      className="absolute inset-y-0 -left-1 z-10 w-2 cursor-col-resize touch-none outline-none after:absolute after:inset-y-0 after:left-1 after:w-px after:transition-colors after:duration-100 hover:after:bg-ring focus-visible:after:w-0.5 focus-visible:after:bg-ring max-lg:hidden"
    />
  );
}
