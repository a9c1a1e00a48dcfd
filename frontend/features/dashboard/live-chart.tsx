"use client";

import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { ChartLegend } from "@/features/dashboard/chart-legend";
import { openBehind } from "@/features/dashboard/open-behind";
import { Plot } from "@/features/dashboard/plot";
import { usePart } from "@/hooks/use-store";
import { type DashboardState, dashboard, windowOf } from "@/lib/dashboard";
import { type Between, formatBetween } from "@/lib/dashboard-address";
import type { ChartInfo } from "@/lib/dashboard-charts";
import { go, location } from "@/lib/location";
import { type MetricSeries, newest } from "@/lib/metric-series";
import { measure, moment } from "@/lib/metric-units";

/** A second click would be a double click, which ends the zoom. */
const DOUBLE_CLICK_MS = 260;
const LEAP = 10;

/** Lines over time. The arrow keys move the cursor, Enter opens the runs behind the first line there. */
export function LiveChart({ info }: { info: ChartInfo }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const [index, setIndex] = useState<number | null>(null);
  const isSeen = useSeen(host);
  const state = useShownState(isSeen);
  const { series } = state;
  const [since, until] = windowOf(state, Date.now());

  useEffect(() => {
    if (host.current === null) return;
    const made = new Plot(host.current, info, {
      onCursor: setIndex,
      onZoom: (between) => go({ zoom: formatBetween(between) }),
      onReset: () => go({ zoom: null }),
      onPick: pickAfterDoubleClick((line, at) => openBehind(info.lines[line]?.metric ?? "", intervalAt(at))),
    });
    plot.current = made;
    const sizes = new ResizeObserver(() => made.fit());
    sizes.observe(host.current);
    const themes = new MutationObserver(() => made.recolour());
    themes.observe(document.documentElement, { attributeFilter: ["class"] });
    return () => {
      sizes.disconnect();
      themes.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [info]);

  useEffect(() => {
    if (!isSeen) return;
    const at = series?.at ?? [];
    const empty = new Array<null>(at.length).fill(null);
    const lines = info.lines.map(({ metric }) => series?.values[metric] ?? empty);
    plot.current?.show({ at, lines, window: [since, until] });
  }, [info, series, isSeen, since, until]);

  const values = info.lines.map(({ metric }) =>
    series === null
      ? null
      : index === null
        ? newest(series, metric)
        : (series.values[metric]?.[index] ?? null),
  );
  const length = series?.at.length ?? 0;
  const at = series?.at[index ?? length - 1];
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && index !== null) {
      openBehind(info.lines[0]?.metric ?? "", intervalAt(index));
      event.preventDefault();
      return;
    }
    const next = moved(index, length, event);
    if (next === null) return;
    event.preventDefault();
    plot.current?.point(next);
  };
  return (
    <figure data-slot="chart" data-chart={info.id} className="min-w-0">
      <figcaption className="flex flex-wrap items-baseline gap-x-4">
        <h4 className="font-medium text-[13px]">{info.title}</h4>
        <ChartLegend
          info={info}
          values={values}
          onOpen={(line) => openBehind(line.metric, index === null ? null : intervalAt(index))}
        />
      </figcaption>
      <div className="relative">
        <div
          ref={host}
          role="slider"
          tabIndex={0}
          data-slot="plot"
          aria-label={`${info.title} over time`}
          aria-orientation="horizontal"
          aria-valuemin={0}
          aria-valuemax={Math.max(0, length - 1)}
          aria-valuenow={index ?? Math.max(0, length - 1)}
          aria-valuetext={words(info, values, at, until - since)}
          onKeyDown={pressed}
          onFocus={(event) => {
            if (event.currentTarget.matches(":focus-visible")) plot.current?.point(length - 1);
          }}
          onBlur={() => plot.current?.point(null)}
          className="h-37 rounded-sm"
        />
        {index === null || at === undefined ? null : (
          <p
            aria-hidden
            data-slot="cursor-time"
            className="pointer-events-none absolute top-1 right-1 rounded bg-background/85 px-1 text-[11px] text-muted-foreground leading-4 tabular-nums"
          >
            {moment(at, until - since)}
          </p>
        )}
        {series !== null && isEmpty(series, info) ? (
          <p className="pointer-events-none absolute inset-x-0 top-13 pl-13 text-center text-faint-foreground text-xs">
            Nothing measured
          </p>
        ) : null}
      </div>
    </figure>
  );
}

function isEmpty(series: MetricSeries, info: ChartInfo): boolean {
  return info.lines.every(({ metric }) => newest(series, metric) === null);
}

/** What is read out: `14:03:20: p50 420 ms, p95 1.24 s`. */
function words(
  info: ChartInfo,
  values: readonly (number | null)[],
  at: number | undefined,
  spanS: number,
): string {
  if (at === undefined) return "Nothing measured";
  const said = info.lines.map(({ label }, line) => `${label} ${measure(values[line], info.unit)}`);
  return `${moment(at, spanS)}: ${said.join(", ")}`;
}

/** The interval that ends there. */
function intervalAt(index: number): Between | null {
  const { series } = dashboard.state.get();
  const until = series?.at[index];
  if (series === null || until === undefined) return null;
  return { since: series.at[index - 1] ?? until - series.step, until };
}

function moved(index: number | null, length: number, { key, shiftKey }: KeyboardEvent): number | null {
  const last = length - 1;
  const from = index ?? last;
  const by = shiftKey ? LEAP : 1;
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
      return Math.max(0, from - by);
    case "ArrowRight":
    case "ArrowUp":
      return Math.min(last, from + by);
    case "PageDown":
      return Math.max(0, from - LEAP);
    case "PageUp":
      return Math.min(last, from + LEAP);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}

function pickAfterDoubleClick(pick: (line: number, index: number) => void): typeof pick {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let clicks = 0;
  return (line, index) => {
    clearTimeout(timer);
    if (location.get().zoom === null) return pick(line, index);
    clicks += 1;
    timer = setTimeout(() => {
      if (clicks === 1) pick(line, index);
      clicks = 0;
    }, DOUBLE_CLICK_MS);
  };
}

/** Whether it is on the screen, or nearly. */
function useSeen(host: { current: HTMLElement | null }): boolean {
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (host.current === null) return;
    const observer = new IntersectionObserver(([entry]) => setSeen(entry?.isIntersecting ?? false), {
      rootMargin: "120px",
    });
    observer.observe(host.current);
    return () => observer.disconnect();
  }, [host]);
  return isSeen;
}

/** What is shown; while nobody sees it, it stays as it was. */
function useShownState(isSeen: boolean): DashboardState {
  const kept = useRef(dashboard.state.get());
  return usePart(dashboard.state, (state) => {
    if (isSeen) kept.current = state;
    return kept.current;
  });
}
