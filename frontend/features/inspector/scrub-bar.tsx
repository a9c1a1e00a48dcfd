"use client";

import { Pause, Play, SkipBack, SkipForward } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { useLens, usePlayhead, useWhole } from "@/features/inspector/use-lens";
import { duration } from "@/lib/format";
import { spanOf } from "@/lib/lanes";
import { isWorking } from "@/lib/run-state";
import { momentsOf, stepFrom } from "@/lib/scrub";
import { serverNow } from "@/lib/server-clock";

const SPEEDS = [1, 4, 16] as const;

/** Says that what is shown is a moment of the past, moves it, plays on from it, and leads back. */
export function ScrubBar() {
  const lens = useLens();
  const playhead = usePlayhead();
  const working = useWhole(isWorking) ?? false;
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<(typeof SPEEDS)[number]>(1);
  usePlaying(playing && playhead !== null, speed, () => setPlaying(false));
  const run = lens.live.get();
  if (playhead === null || run === undefined) return null;
  const step = (way: 1 | -1): void => {
    setPlaying(false);
    const to = stepFrom(momentsOf(run), playhead, way);
    if (to !== null) lens.playhead.set(to);
  };
  const faster = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length] ?? 1;
  return (
    <div
      data-slot="scrub-bar"
      role="status"
      className="flex h-9 shrink-0 items-center gap-0.5 border-b bg-caution-tint pr-2 pl-5 text-[13px] tabular-nums"
    >
      <span className="min-w-0 flex-1 truncate">
        The run {duration(playhead - run.startedAt)} after it was asked
      </span>
      <Tooltip label="The entry before" side="bottom">
        <Button variant="ghost" size="icon-sm" aria-label="To the entry before" onClick={() => step(-1)}>
          <SkipBack aria-hidden />
        </Button>
      </Tooltip>
      <Tooltip label={playing ? "Hold" : "Play on from here"} side="bottom">
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label={playing ? "Hold" : "Play on from here"}
          onClick={() => setPlaying(!playing)}
        >
          {playing ? <Pause aria-hidden /> : <Play aria-hidden />}
        </Button>
      </Tooltip>
      <Tooltip label="The next entry" side="bottom">
        <Button variant="ghost" size="icon-sm" aria-label="To the next entry" onClick={() => step(1)}>
          <SkipForward aria-hidden />
        </Button>
      </Tooltip>
      <Tooltip label={`Play ${faster} times as fast`} side="bottom">
        <Button variant="ghost" size="sm" className="w-9 tabular-nums" onClick={() => setSpeed(faster)}>
          {speed}×
        </Button>
      </Tooltip>
      <Button
        size="sm"
        data-slot="leave-scrub"
        className="ml-1"
        onClick={() => {
          setPlaying(false);
          lens.playhead.set(null);
        }}
      >
        {working ? "Live" : "Now"}
      </Button>
    </div>
  );
}

/** Moves the playhead with the time, until it has caught up with the run. */
function usePlaying(playing: boolean, speed: number, onEnd: () => void): void {
  const lens = useLens();
  const ended = useRef(onEnd);
  ended.current = onEnd;
  useEffect(() => {
    if (!playing) return;
    let frame = 0;
    let last = performance.now();
    const tick = (time: number): void => {
      const at = lens.playhead.get();
      const run = lens.live.get();
      if (at === null || run === undefined) return;
      const next = at + (time - last) * speed;
      last = time;
      const { to } = spanOf(run, serverNow());
      if (next >= to) {
        lens.playhead.set(isWorking(run) ? null : to);
        ended.current();
        return;
      }
      lens.playhead.set(next);
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [playing, speed, lens]);
}
