"use client";

import { type KeyboardEvent, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { ChartLegend } from "@/features/dashboard/chart-legend";
import { openBehind } from "@/features/dashboard/open-behind";
import { Plot } from "@/features/dashboard/plot";
import { useMeant } from "@/features/dashboard/use-meant";
import { usePart } from "@/hooks/use-store";
import { type ChartData, chartData, intervalOf, NO_DATA, shownTime, valuesAt } from "@/lib/chart-data";
import { cn } from "@/lib/cn";
import { type DashboardState, dashboard, windowOf } from "@/lib/dashboard";
import { formatBetween } from "@/lib/dashboard-address";
import type { ChartInfo } from "@/lib/dashboard-charts";
import { go, location } from "@/lib/location";
import { measure, moment } from "@/lib/metric-units";

/** A second click would be a double click, which ends the zoom. */
const DOUBLE_CLICK_MS = 260;
const LEAP = 10;

interface Cursor {
  index: number;
  /** Of each line the nearest point with a value. */
  ofLines: readonly (number | null)[];
}

/** Lines over time. The arrow keys move the cursor, Enter opens the runs behind the first line there. */
export function LiveChart({ info }: { info: ChartInfo }) {
  const host = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const figure = useRef<HTMLElement>(null);
  const isMeant = useMeant(figure, info);
  const isSeen = useSeen(host);
  const state = useShownState(isSeen);
  const { series } = state;
  const [since, until] = windowOf(state, Date.now());
  const spanS = until - since;
  const data = useMemo(
    () => (series === null ? NO_DATA : chartData(info, series, spanS)),
    [info, series, spanS],
  );
  const plot = usePlot(host, info, data, setCursor);
  useEffect(() => {
    if (isSeen) plot.current?.show(data, shownTime(info, data, [since, until]));
  }, [plot, info, data, isSeen, since, until]);

  const index = cursor?.index ?? null;
  const values = valuesAt(info, data, series, cursor?.ofLines ?? null);
  const { length } = data.ends;
  const at = data.ends[index ?? length - 1];
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && index !== null) {
      event.preventDefault();
      openBehind(info.lines[0]?.metric ?? "", intervalOf(data, index));
      return;
    }
    const next = moved(index, length, event);
    if (next === null) return;
    event.preventDefault();
    plot.current?.point(next);
  };
  return (
    <figure
      ref={figure}
      data-slot="chart"
      data-chart={info.id}
      data-meant={isMeant || undefined}
      className={cn("min-w-0", isMeant && "-m-3 rounded-lg bg-primary-tint/60 p-3")}
    >
      <figcaption>
        <h3 className="font-medium text-[13px]">{info.title}</h3>
        <ChartLegend
          info={info}
          values={values}
          onOpen={(line) => openBehind(line.metric, index === null ? null : intervalOf(data, index))}
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
          aria-valuetext={words(info, values, at, spanS)}
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
            {moment(at, spanS)}
          </p>
        )}
        {series !== null && isEmpty(data) ? (
          <p className="pointer-events-none absolute inset-x-0 top-13 pl-13 text-center text-faint-foreground text-xs">
            Nothing measured
          </p>
        ) : null}
      </div>
    </figure>
  );
}

/** The canvas of a chart, as long as the chart is there. */
function usePlot(
  host: RefObject<HTMLDivElement | null>,
  info: ChartInfo,
  data: ChartData,
  onCursor: (cursor: Cursor | null) => void,
): RefObject<Plot | null> {
  const plot = useRef<Plot | null>(null);
  const drawn = useRef(data);
  drawn.current = data;
  useEffect(() => {
    if (host.current === null) return;
    const made = new Plot(host.current, info, {
      onCursor: (index, ofLines) => onCursor(index === null ? null : { index, ofLines }),
      onZoom: (between) => go({ zoom: formatBetween(between) }),
      onReset: () => go({ zoom: null }),
      onPick: unlessDouble((line, at) =>
        openBehind(info.lines[line]?.metric ?? "", intervalOf(drawn.current, at)),
      ),
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
  }, [host, info, onCursor]);
  return plot;
}

function isEmpty({ lines }: ChartData): boolean {
  return lines.every((values) => values.every((value) => value === null));
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

/** A click, and not the first of two. */
function unlessDouble(pick: (line: number, index: number) => void): typeof pick {
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
