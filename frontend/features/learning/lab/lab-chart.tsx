import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { LineSample } from "@/features/learning/lab/line-sample";
import { cn } from "@/lib/cn";
import { count } from "@/lib/format";
import type { Curves, Lab } from "@/lib/lab-api";
import {
  bandPath,
  type CurveInfo,
  figure,
  linePath,
  nearest,
  pointWords,
  styleOf,
  ticksOf,
  topOf,
} from "@/lib/lab-figures";

interface LabChartProps {
  info: CurveInfo;
  curves: readonly Curves[];
  lab: Lab;
  tasks: number;
  className?: string;
}

const WIDTH = 800;
const HEIGHT = 200;

/** A curve for each policy with its interval, over tasks. Arrow keys move along them. */
export function LabChart({ info, curves, lab, tasks, className }: LabChartProps) {
  const [point, setPoint] = useState<number | null>(null);
  const at = curves[0]?.at ?? [];
  const top = topOf(curves, info.name);
  const box = { width: WIDTH, height: HEIGHT, top, last: tasks };
  const last = at.length - 1;
  const shown = point === null ? last : Math.min(point, last);
  const said = curves.map(
    ({ policy, regrets, [info.name]: band }) =>
      `${policy} ${pointWords(band, info.name, regrets.length, shown)}`,
  );
  const moveTo = (event: PointerEvent): void => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    setPoint(nearest(at, ((event.clientX - left) / width) * tasks));
  };
  const press = (event: KeyboardEvent): void => {
    const next = moved(event.key, shown, last);
    if (next === null) return;
    event.preventDefault();
    setPoint(next);
  };
  return (
    <figure data-slot="lab-chart" data-curve={info.name} className={cn("min-w-0 space-y-2", className)}>
      <figcaption className="space-y-0.5">
        <h3 className="font-medium text-[13px]">{info.title}</h3>
        <p className="text-muted-foreground text-xs">{info.means}</p>
      </figcaption>
      <div className="flex gap-2">
        <Axis top={top} name={info.name} />
        <div
          role="slider"
          tabIndex={0}
          data-slot="lab-plot"
          aria-label={`${info.title} over tasks`}
          aria-orientation="horizontal"
          aria-valuemin={0}
          aria-valuemax={Math.max(last, 0)}
          aria-valuenow={Math.max(shown, 0)}
          aria-valuetext={`After ${count(at[shown] ?? 0)} tasks: ${said.join(", ")}`}
          onKeyDown={press}
          onBlur={() => setPoint(null)}
          onPointerMove={moveTo}
          onPointerLeave={() => setPoint(null)}
          className="relative min-w-0 flex-1 rounded-sm"
        >
          <svg
            aria-hidden
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
            preserveAspectRatio="none"
            className="h-40 w-full overflow-visible"
          >
            {ticksOf(top).map((value) => {
              const y = HEIGHT * (1 - value / top);
              return (
                <line
                  key={value}
                  x1={0}
                  x2={WIDTH}
                  y1={y}
                  y2={y}
                  className="stroke-border"
                  vectorEffect="non-scaling-stroke"
                />
              );
            })}
            {curves.map(({ policy, [info.name]: band }) => (
              <path
                key={policy}
                d={bandPath(at, band, box)}
                fill={styleOf(policy, lab).colour}
                opacity={0.14}
              />
            ))}
            {curves.map(({ policy, [info.name]: band }) => (
              <path
                key={policy}
                d={linePath(at, band.mean, box)}
                fill="none"
                stroke={styleOf(policy, lab).colour}
                strokeDasharray={styleOf(policy, lab).dash}
                strokeWidth={1.75}
                vectorEffect="non-scaling-stroke"
              />
            ))}
          </svg>
          {point === null ? null : (
            <div
              aria-hidden
              className="pointer-events-none absolute inset-y-0 w-px bg-foreground/40"
              style={{ left: `${(100 * (at[shown] ?? 0)) / Math.max(tasks, 1)}%` }}
            />
          )}
        </div>
      </div>
      <p aria-hidden className="flex justify-between pl-12 text-[11px] text-faint-foreground tabular-nums">
        <span>0</span>
        <span>{point === null ? "" : `after ${count(at[shown] ?? 0)}`}</span>
        <span>{count(tasks)} tasks</span>
      </p>
      <ul
        aria-hidden
        className="flex flex-wrap gap-x-4 gap-y-0.5 pl-12 text-muted-foreground text-xs tabular-nums"
      >
        {curves.map(({ policy, [info.name]: band }) => (
          <li key={policy} className="flex items-center gap-1.5">
            <LineSample policy={policy} lab={lab} />
            {policy} <span className="text-foreground">{figure(band.mean[shown] ?? 0, info.name)}</span>
          </li>
        ))}
      </ul>
    </figure>
  );
}

function Axis({ top, name }: { top: number; name: CurveInfo["name"] }) {
  return (
    <div aria-hidden className="relative h-40 w-10 shrink-0 text-[11px] text-faint-foreground tabular-nums">
      {ticksOf(top).map((value) => (
        <span
          key={value}
          className="absolute right-0 translate-y-1/2 leading-none"
          style={{ bottom: `${(100 * value) / top}%` }}
        >
          {name === "regret" ? count(value) : figure(value, name)}
        </span>
      ))}
    </div>
  );
}

function moved(key: string, from: number, last: number): number | null {
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
      return Math.max(0, from - 1);
    case "ArrowRight":
    case "ArrowUp":
      return Math.min(last, from + 1);
    case "PageDown":
      return Math.max(0, from - 10);
    case "PageUp":
      return Math.min(last, from + 10);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}
