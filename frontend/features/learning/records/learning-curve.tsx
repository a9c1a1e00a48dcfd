"use client";

import { type PointerEvent, useState } from "react";
import { useNow } from "@/hooks/use-now";
import { curvePaths, pointAt } from "@/lib/belief-chart";
import { beliefWords } from "@/lib/belief-words";
import { plural } from "@/lib/format";
import { ago } from "@/lib/memory-words";
import type { CurvePoint } from "@/lib/records-api";

const BOX = { width: 800, height: 140 };
const LINES = [0, 0.5, 1];

/** How what is believed went from task to task, with the band in which the mean lay. */
export function LearningCurve({ curve, prior }: { curve: readonly CurvePoint[]; prior: number | null }) {
  const [share, setShare] = useState<number | null>(null);
  const now = useNow();
  const last = curve.at(-1);
  if (last === undefined) return null;
  const { line, band } = curvePaths(curve, BOX);
  const point = share === null ? last : (pointAt(curve, share) ?? last);
  const moved = ({ clientX, currentTarget }: PointerEvent<SVGElement>): void => {
    const { left, width } = currentTarget.getBoundingClientRect();
    setShare((clientX - left) / width);
  };
  const at = curve.length > 1 ? (100 * curve.indexOf(point)) / (curve.length - 1) : 100;
  return (
    <figure data-slot="learning-curve" className="space-y-2.5">
      <figcaption className="flex flex-wrap items-baseline gap-x-3 text-xs">
        <span className="font-medium text-[13px]">Learning curve</span>
        <span className="text-muted-foreground tabular-nums">
          after {plural(point.count, "task")}, {ago(point.at, now)}: {beliefWords(point)}
        </span>
      </figcaption>
      <div className="relative ml-7">
        {LINES.map((value) => (
          <span
            key={value}
            aria-hidden
            className="-left-7 absolute w-5 translate-y-1/2 text-right text-[11px] text-faint-foreground leading-none tabular-nums"
            style={{ bottom: `${100 * value}%` }}
          >
            {value}
          </span>
        ))}
        <svg
          role="img"
          aria-label={`Learning curve over ${plural(last.count, "task")}; now ${beliefWords(last)}`}
          viewBox={`0 0 ${BOX.width} ${BOX.height}`}
          preserveAspectRatio="none"
          onPointerMove={moved}
          onPointerLeave={() => setShare(null)}
          className="h-[140px] w-full touch-pan-y overflow-visible text-series-1"
        >
          {LINES.map((value) => (
            <line
              key={value}
              x1={0}
              x2={BOX.width}
              y1={BOX.height * (1 - value)}
              y2={BOX.height * (1 - value)}
              className="stroke-border"
              vectorEffect="non-scaling-stroke"
            />
          ))}
          {prior === null ? null : (
            <line
              x1={0}
              x2={BOX.width}
              y1={BOX.height * (1 - prior)}
              y2={BOX.height * (1 - prior)}
              className="stroke-muted-foreground"
              strokeDasharray="2 4"
              vectorEffect="non-scaling-stroke"
            />
          )}
          <path d={band} fill="currentColor" fillOpacity={0.16} />
          <path
            d={line}
            fill="none"
            stroke="currentColor"
            strokeWidth={1.75}
            strokeLinejoin="round"
            vectorEffect="non-scaling-stroke"
          />
        </svg>
        {share === null ? null : (
          <span
            aria-hidden
            className="pointer-events-none absolute inset-y-0 w-px bg-foreground/40"
            style={{ left: `${at}%` }}
          />
        )}
      </div>
      <div className="ml-7 flex justify-between text-[11px] text-faint-foreground">
        <span>first task</span>
        {prior === null ? null : <span>dotted: what is believed of anything</span>}
        <span>now</span>
      </div>
    </figure>
  );
}
