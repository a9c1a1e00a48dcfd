"use client";

import { Slot } from "radix-ui";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Kbd } from "@/components/ui/kbd";
import { keyLabel } from "@/lib/actions";

interface TooltipProps {
  label: string;
  /** The key that does the same, as `lib/actions.ts` writes it. */
  shortcut?: string;
  side?: "top" | "right" | "bottom";
  children: ReactNode;
}

/** Names its child on hover and focus. Costs two attributes; the child keeps its own accessible name. */
export function Tooltip({ label, shortcut, side = "top", children, ...props }: TooltipProps) {
  return (
    <Slot.Root data-tip={label} data-tip-key={shortcut} data-tip-side={side} {...props}>
      {children}
    </Slot.Root>
  );
}

interface Tip {
  label: string;
  shortcut: string | undefined;
  side: string;
  box: DOMRect;
}

const FIRST_DELAY_MS = 400;
const GAP = 6;
const EDGE = 8;

/** The one tooltip of the page: shows the name of what the pointer rests on, or what the keyboard has reached. */
export function TooltipLayer() {
  const [tip, setTip] = useState<Tip | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over: Element | null = null;
    const hide = (): void => {
      clearTimeout(timer);
      over = null;
      setTip(null);
    };
    const point = (event: Event, delay: number): void => {
      const target = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
      if (target === over) return;
      hide();
      if (!(target instanceof HTMLElement)) return;
      over = target;
      timer = setTimeout(() => {
        const { tip: label = "", tipKey: shortcut, tipSide: side = "top" } = target.dataset;
        if (target.isConnected) setTip({ label, shortcut, side, box: target.getBoundingClientRect() });
      }, delay);
    };
    const hovered = (event: PointerEvent): void => {
      if (event.pointerType === "mouse") point(event, FIRST_DELAY_MS);
    };
    const focused = (event: FocusEvent): void => {
      if (event.target instanceof Element && event.target.matches(":focus-visible")) point(event, 0);
    };
    const listeners: [string, EventListener][] = [
      ["pointerover", hovered as EventListener],
      ["focusin", focused as EventListener],
      ["focusout", hide],
      ["pointerdown", hide],
      ["keydown", hide],
      ["scroll", hide],
    ];
    for (const [name, listener] of listeners) document.addEventListener(name, listener, true);
    return () => {
      for (const [name, listener] of listeners) document.removeEventListener(name, listener, true);
      clearTimeout(timer);
    };
  }, []);
  return tip === null ? null : <TipBox key={tip.label + tip.box.x + tip.box.y} tip={tip} />;
}

function TipBox({ tip: { label, shortcut, side, box } }: { tip: Tip }) {
  const ref = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<{ left: number; top: number } | null>(null);
  useEffect(() => {
    const size = ref.current?.getBoundingClientRect();
    if (size === undefined) return;
    const below = side === "bottom" || (side === "top" && box.top < size.height + GAP + EDGE);
    const left = side === "right" ? box.right + GAP : box.left + box.width / 2 - size.width / 2;
    const middle = box.top + box.height / 2 - size.height / 2;
    const top = side === "right" ? middle : below ? box.bottom + GAP : box.top - size.height - GAP;
    setAt({ left: Math.max(EDGE, Math.min(left, window.innerWidth - size.width - EDGE)), top });
  }, [side, box]);
  return (
    <div
      ref={ref}
      data-slot="tooltip"
      aria-hidden
      style={at ?? { visibility: "hidden", left: 0, top: 0 }}
      className="pointer-events-none fixed z-60 flex max-w-72 animate-appear items-center gap-2 rounded-md bg-foreground px-2 py-1 text-background text-xs"
    >
      {label}
      {shortcut === undefined ? null : <Kbd>{keyLabel(shortcut)}</Kbd>}
    </div>
  );
}
