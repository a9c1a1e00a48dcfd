"use client";

import { Minus, Plus, UnfoldHorizontal } from "lucide-react";
import { type CSSProperties, type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { Playhead } from "@/features/inspector/playhead";
import { useLens, useWhole } from "@/features/inspector/use-lens";
import { WaterfallRow } from "@/features/inspector/waterfall-row";
import { useStore } from "@/hooks/use-store";
import { shortDuration } from "@/lib/format";
import { lanesOf, panned, type Span, spanOf, ticksOf, zoomed } from "@/lib/lanes";
import { isWorking } from "@/lib/run-state";
import { serverNow } from "@/lib/server-clock";
import { writable } from "@/lib/store";
import { quarterSeconds } from "@/lib/ticker";

const STILL = writable(0);
const WHEEL = 1.0015;

/** Every task, model call, tool call and time of waiting of the run along one axis of time. */
export function Waterfall() {
  const lens = useLens();
  const working = useWhole(isWorking) ?? false;
  const history = useWhole((state) => state.history);
  const now = useStore(working ? quarterSeconds : STILL);
  const [near, setNear] = useState<Span | null>(null);
  const root = useRef<HTMLDivElement>(null);
  const track = useRef<HTMLDivElement>(null);
  const run = lens.live.get();
  const at = working ? now : history;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `at` stands for the run: as of the clock, else for good
  const rows = useMemo(() => {
    if (run === undefined) return [];
    const clock = serverNow() - performance.now();
    return lanesOf(run, serverNow(), (id) => {
      const first = run.messages.get(id)?.firstAt ?? 0;
      return first > 0 ? clock + first : null;
    });
  }, [at]);
  const whole = run === undefined ? { from: 0, to: 1 } : spanOf(run, serverNow());
  const span = near ?? whole;
  const latest = useRef({ span, whole });
  latest.current = { span, whole };
  useEffect(() => {
    const box = track.current;
    if (box === null) return;
    const turned = (event: WheelEvent): void => {
      const { span: from, whole: all } = latest.current;
      const isZoom = event.ctrlKey || event.metaKey;
      if (!isZoom && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
      event.preventDefault();
      const scale = (from.to - from.from) / Math.max(1, box.clientWidth);
      const at = from.from + (event.clientX - box.getBoundingClientRect().left) * scale;
      const next = isZoom
        ? zoomed(from, all, WHEEL ** event.deltaY, at)
        : panned(from, all, event.deltaX * scale);
      setNear(next.to - next.from >= all.to - all.from ? null : next);
    };
    // React's own wheel listeners are passive and could not keep the page from zooming.
    const frame = root.current ?? box;
    frame.addEventListener("wheel", turned, { passive: false });
    return () => frame.removeEventListener("wheel", turned);
  }, []);
  if (run === undefined) return null;
  const zoom = (factor: number): void => {
    const about = lens.playhead.get() ?? (span.from + span.to) / 2;
    const next = zoomed(span, whole, factor, about);
    setNear(next.to - next.from >= whole.to - whole.from ? null : next);
  };
  const scrub = (event: PointerEvent<HTMLDivElement>): void => {
    const box = track.current?.getBoundingClientRect();
    if (box === undefined || event.button !== 0) return;
    const handle = event.currentTarget;
    const move = ({ clientX }: { clientX: number }): void => {
      const share = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
      lens.playhead.set(span.from + share * (span.to - span.from));
    };
    handle.setPointerCapture(event.pointerId);
    move(event);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), {
      once: true,
    });
  };
  return (
    <div
      ref={root}
      data-slot="waterfall"
      className="flex h-full min-h-0 flex-col [--label:168px] max-sm:[--label:104px]"
    >
      <div className="flex h-9 shrink-0 items-stretch border-b">
        <div className="flex w-(--label) shrink-0 items-center pl-4">
          <Tooltip label="Shorter times" side="bottom">
            <Button variant="ghost" size="icon-sm" aria-label="Zoom in" onClick={() => zoom(0.5)}>
              <Plus aria-hidden />
            </Button>
          </Tooltip>
          <Tooltip label="Longer times" side="bottom">
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label="Zoom out"
              disabled={near === null}
              onClick={() => zoom(2)}
            >
              <Minus aria-hidden />
            </Button>
          </Tooltip>
          <Tooltip label="The whole run" side="bottom">
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label="Show the whole run"
              disabled={near === null}
              onClick={() => setNear(null)}
            >
              <UnfoldHorizontal aria-hidden />
            </Button>
          </Tooltip>
        </div>
        <div
          data-slot="time-axis"
          className="relative mr-5 min-w-0 flex-1 cursor-ew-resize touch-none select-none"
          onPointerDown={scrub}
        >
          <div ref={track} className="absolute inset-0">
            <Axis span={span} origin={run.startedAt} />
          </div>
          <Playhead span={span} whole={whole} knob />
        </div>
      </div>
      <div
        tabIndex={0}
        role="region"
        aria-label="Times of the run"
        className="min-h-0 flex-1 overflow-y-auto overscroll-contain outline-none"
      >
        <div className="relative py-1">
          <div className="pointer-events-none absolute inset-y-0 right-5 left-(--label)">
            <Playhead span={span} whole={whole} />
          </div>
          <ol style={scaleOf(span, run.startedAt)}>
            {rows.map((row) => (
              <WaterfallRow key={row.taskId} row={row} origin={run.startedAt} />
            ))}
          </ol>
        </div>
        <Legend />
      </div>
    </div>
  );
}

/** The time window for the bars, in ms since the run began. */
function scaleOf(span: Span, origin: number): CSSProperties {
  return {
    "--from": span.from - origin,
    "--size": span.to - span.from,
    "--now": serverNow() - origin,
  } as CSSProperties;
}

function Axis({ span, origin }: { span: Span; origin: number }) {
  const size = span.to - span.from;
  return ticksOf(span, origin, 5).map((at) => (
    <span
      key={at}
      className="absolute bottom-1.5 border-l pl-1 text-[11px] text-faint-foreground leading-3 tabular-nums"
      style={{ left: `${(100 * (at + origin - span.from)) / size}%` }}
    >
      {markWord(at)}
    </span>
  ));
}

/** Marks are round, so they need no more figures than they have. */
function markWord(ms: number): string {
  if (ms === 0) return "0";
  if (ms >= 60_000) return shortDuration(ms);
  return ms % 1000 === 0 || ms > 1000 ? `${Number((ms / 1000).toFixed(2))} s` : `${Math.round(ms)} ms`;
}

const SIGNS = [
  ["Waiting", "h-px bg-faint-foreground"],
  ["First token", "h-1.5 rounded-xs bg-foreground/20"],
  ["Writing", "h-1.5 rounded-xs bg-foreground/65"],
  ["Tool", "h-1.5 rounded-xs border border-foreground/65"],
  ["Asks you", "h-1.5 rounded-xs bg-caution/60"],
  ["Failed", "h-1.5 rounded-xs bg-destructive/75"],
] as const;

function Legend() {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 px-5 py-3 text-faint-foreground text-xs">
      {SIGNS.map(([word, sign]) => (
        <li key={word} className="flex items-center gap-1.5">
          <span aria-hidden className={`w-4 ${sign}`} />
          {word}
        </li>
      ))}
    </ul>
  );
}
