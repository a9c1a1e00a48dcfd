"use client";

import type { KeyboardEvent } from "react";
import { useLens, usePlayhead } from "@/features/inspector/use-lens";
import { duration } from "@/lib/format";
import type { Span } from "@/lib/lanes";
import { momentsOf, stepFrom } from "@/lib/scrub";

interface PlayheadProps {
  span: Span;
  whole: Span;
  /** With its handle: once, at the axis. */
  knob?: boolean;
}

/** The moment that is shown, as a line across the times. Its knob takes the keyboard. */
export function Playhead({ span, whole, knob = false }: PlayheadProps) {
  const playhead = usePlayhead();
  const at = playhead ?? whole.to;
  const left = `${(100 * (at - span.from)) / (span.to - span.from)}%`;
  const outside = at < span.from || at > span.to;
  if (!knob)
    return playhead === null || outside ? null : (
      <span aria-hidden className="absolute inset-y-0 z-10 w-px bg-foreground" style={{ left }} />
    );
  return <Knob at={at} left={left} whole={whole} hidden={outside} />;
}

function Knob({ at, left, whole, hidden }: { at: number; left: string; whole: Span; hidden: boolean }) {
  const lens = useLens();
  const press = (event: KeyboardEvent): void => {
    const run = lens.live.get();
    if (run === undefined) return;
    if (event.key === "Escape" && lens.playhead.get() !== null) {
      event.preventDefault();
      event.stopPropagation();
      lens.playhead.set(null);
      return;
    }
    const to = {
      ArrowLeft: stepFrom(momentsOf(run), at, -1),
      ArrowRight: stepFrom(momentsOf(run), at, 1),
      PageUp: Math.max(whole.from, at - 1_000),
      PageDown: Math.min(whole.to, at + 1_000),
      Home: whole.from,
      End: whole.to,
    }[event.key];
    if (to === undefined || to === null) return;
    event.preventDefault();
    lens.playhead.set(to);
  };
  return (
    <span
      role="slider"
      tabIndex={0}
      data-slot="playhead"
      aria-label="The moment of the run that is shown"
      aria-valuemin={0}
      aria-valuemax={Math.round(whole.to - whole.from)}
      aria-valuenow={Math.round(at - whole.from)}
      aria-valuetext={lens.playhead.get() === null ? "now" : duration(at - whole.from)}
      onKeyDown={press}
      hidden={hidden}
      className="absolute bottom-0 z-10 -ml-[5px] h-3 w-[10px] rounded-t-sm bg-foreground [clip-path:polygon(0_0,100%_0,100%_55%,50%_100%,0_55%)] focus-visible:bg-ring"
      style={{ left }}
    />
  );
}
