"use client";

import { ViewportPortal } from "@xyflow/react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useColour, useLens, useShown, useTask } from "@/features/inspector/use-lens";
import type { GraphLayout, GraphNode } from "@/lib/graph-layout";
import { MAIN } from "@/lib/protocol";
import { MEMORY } from "@/lib/recall-state";
import type { MailItem, RunState } from "@/lib/run-state";

const TRAVEL_MS = 700;
const MOST = 24;

interface Flight {
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

/** Whom a message reaches: the task it names, those of the role it names, or everybody else. */
function recipientsOf(run: RunState, { recipient, taskId }: MailItem): string[] {
  if (run.tasks.has(recipient)) return [recipient];
  const others = [...run.tasks.values()].filter((task) => task.id !== taskId);
  return others.filter((task) => recipient === "team" || task.role === recipient).map((task) => task.id);
}

/** Messages that are sent while one looks, each a dot that goes from its sender to whom it is for. */
export function MessageDots({ layout }: { layout: GraphLayout }) {
  const { shown } = useLens();
  const mail = useShown((run) => run.mail);
  const seen = useRef<number | null>(null);
  const [flights, setFlights] = useState<readonly Flight[]>([]);
  useEffect(() => {
    const last = mail?.at(-1)?.seq ?? 0;
    const before = seen.current;
    seen.current = last;
    const run = shown.get();
    // What was there when we came, or what the playhead has jumped over, was not sent before our eyes.
    if (before === null || last <= before || run === undefined || mail === undefined) return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const fresh = mail.filter(({ seq, sender }) => seq > before && sender !== MEMORY).slice(-3);
    const next = fresh.flatMap((item) =>
      recipientsOf(run, item).map((to) => ({ id: `${item.seq}/${to}`, from: item.taskId, to })),
    );
    setFlights((flying) => [...flying, ...next].slice(-MOST));
  }, [mail, shown]);
  const byId = new Map(layout.nodes.map((node) => [node.id, node]));
  return (
    <ViewportPortal>
      {flights.map((flight) => {
        const from = byId.get(flight.from);
        const to = byId.get(flight.to);
        if (from === undefined || to === undefined) return null;
        const land = (): void => setFlights((flying) => flying.filter(({ id }) => id !== flight.id));
        return <Dot key={flight.id} sender={flight.from} from={from} to={to} onLanded={land} />;
      })}
    </ViewportPortal>
  );
}

/** Leaves on the side that faces the other node and bends as the edges do. */
function pathBetween(from: GraphNode, to: GraphNode): string {
  const forward = to.x >= from.x + from.width;
  const [x1, y1] = [forward ? from.x + from.width : from.x + from.width / 2, from.y + from.height / 2];
  const [x2, y2] = [forward ? to.x : to.x + to.width / 2, to.y + to.height / 2];
  const bend = forward ? (x2 - x1) / 2 : 60;
  return `M ${x1} ${y1} C ${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

interface DotProps {
  sender: string;
  from: GraphNode;
  to: GraphNode;
  onLanded: () => void;
}

function Dot({ sender, from, to, onLanded }: DotProps) {
  const dot = useRef<HTMLDivElement>(null);
  const landed = useRef(onLanded);
  landed.current = onLanded;
  const colour = useColour(useTask(sender === "" ? MAIN : sender));
  useLayoutEffect(() => {
    const flight = dot.current?.animate([{ offsetDistance: "0%" }, { offsetDistance: "100%" }], {
      duration: TRAVEL_MS,
      easing: "ease-in-out",
      fill: "forwards",
    });
    flight?.finished.then(
      () => landed.current(),
      () => undefined,
    );
    return () => flight?.cancel();
  }, []);
  return (
    <div
      ref={dot}
      data-slot="message-dot"
      aria-hidden
      className="pointer-events-none absolute top-0 left-0 z-10 size-2 rounded-full ring-2 ring-background"
      style={{ background: colour, offsetPath: `path("${pathBetween(from, to)}")` }}
    />
  );
}
