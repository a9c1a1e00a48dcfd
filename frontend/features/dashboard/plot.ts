/** One chart on a canvas, by uPlot: its lines and axes in the page's colours, and what a pointer does on it. */

import uPlot from "uplot";
import { STEPS, topOf } from "@/lib/chart-axis";
import { type ChartData, isScattered, NO_DATA } from "@/lib/chart-data";
import type { Between } from "@/lib/dashboard-address";
import type { ChartInfo } from "@/lib/dashboard-charts";
import { tick, tickTime } from "@/lib/metric-units";

export interface PlotEvents {
  /**
   * The interval under the cursor, here or on any other chart, and of each line the nearest with a value. Null: none.
   */
  readonly onCursor: (index: number | null, ofLines: readonly (number | null)[]) => void;
  readonly onZoom: (between: Between) => void;
  readonly onReset: () => void;
  /** A point of a line was clicked. */
  readonly onPick: (line: number, index: number) => void;
}

const HEIGHT = 148;
const AXIS_WIDTH = 54;
const FEWEST_PX = 6;
/** Of the axes' font, on average. */
const LETTER_PX = 6.4;
const LINE = uPlot.paths.linear?.();
/** How far the cursor looks for a value. */
const NEAR_PX = 14;
/** Second by second most have no answer: a line goes on over so short a silence. */
const SILENCE_S = 45;
const LIVE_STEP_S = 1.5;
/** All charts of the page move one cursor. */
const SYNC = "dashboard";
const AWAY = { left: -10, top: -10 };

export class Plot {
  private readonly chart: uPlot;
  private colours = new Map<string, string>();
  private data = NO_DATA;
  private pressedAt = 0;

  constructor(
    private readonly host: HTMLElement,
    private readonly info: ChartInfo,
    private readonly events: PlotEvents,
  ) {
    this.chart = new uPlot(this.options(), [[], ...info.lines.map(() => [])], host);
    const { over } = this.chart;
    over.addEventListener("pointerdown", (event) => {
      this.pressedAt = event.clientX;
    });
    over.addEventListener("click", (event) => this.clicked(event));
  }

  show(data: ChartData, [min, max]: readonly [since: number, until: number]): void {
    this.data = data;
    this.chart.batch(() => {
      this.chart.setData([data.at, ...data.lines] as unknown as uPlot.AlignedData, false);
      this.chart.setScale("x", { min, max });
    });
  }

  fit(): void {
    const width = Math.floor(this.host.clientWidth);
    if (width > 0 && width !== this.chart.width) this.chart.setSize({ width, height: HEIGHT });
  }

  /** The colours of the page have changed. */
  recolour(): void {
    this.colours = new Map();
    this.chart.redraw(false);
  }

  get index(): number | null {
    return this.chart.cursor.idx ?? null;
  }

  /** Moves the cursor of all charts to an interval of this one; null: away. */
  point(index: number | null): void {
    const at = index === null ? undefined : this.data.at[index];
    const place = at === undefined ? AWAY : { left: this.chart.valToPos(at, "x"), top: 1 };
    // uPlot publishes to the other charts only if asked by a third argument, which its types leave out.
    (this.chart.setCursor as (to: typeof place, fire: boolean, publish: boolean) => void)(place, true, true);
  }

  destroy(): void {
    this.chart.destroy();
  }

  /** What is clicked is the line that is nearest to the pointer. */
  private clicked(event: MouseEvent): void {
    const { index } = this;
    if (index === null || Math.abs(event.clientX - this.pressedAt) >= FEWEST_PX) return;
    const top = event.clientY - this.chart.over.getBoundingClientRect().top;
    let [nearest, least] = [-1, Number.POSITIVE_INFINITY];
    for (const [line, values] of this.data.lines.entries()) {
      const value = values[index];
      if (value === null || value === undefined) continue;
      const distance = Math.abs(this.chart.valToPos(value, "y") - top);
      if (distance < least) [nearest, least] = [line, distance];
    }
    if (nearest >= 0) this.events.onPick(nearest, index);
  }

  private zoomed(): void {
    const { left, width } = this.chart.select;
    if (width < FEWEST_PX) return;
    const since = this.chart.posToVal(left, "x");
    const until = this.chart.posToVal(left + width, "x");
    this.chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.events.onZoom({
      since: Math.floor(since),
      until: Math.max(Math.ceil(until), Math.floor(since) + 5),
    });
  }

  private colour(token: string, alpha = 1): string {
    let value = this.colours.get(token);
    if (value === undefined) {
      value = getComputedStyle(this.host).getPropertyValue(token).trim();
      this.colours.set(token, value);
    }
    return alpha === 1 ? value : value.replace(/\)$/, ` / ${alpha})`);
  }

  /** Dots instead of a line. */
  private isDots(series: number): boolean {
    const { width } = this.data;
    return isScattered(this.data, series - 1, width > LIVE_STEP_S ? width * 1.5 : SILENCE_S);
  }

  /** The marks of the time, but for those that the edge would cut through. */
  private times(chart: uPlot, splits: number[], apartS: number): (string | null)[] {
    const edge = chart.width - AXIS_WIDTH;
    return splits.map((at) => {
      const text = tickTime(at, apartS);
      return chart.valToPos(at, "x") + (text.length * LETTER_PX) / 2 > edge ? null : text;
    });
  }

  /** Where the line is broken: everywhere that nothing was measured, but for a short silence in a short time. */
  private silences(chart: uPlot, gaps: uPlot.Series.Gaps): uPlot.Series.Gaps {
    if (this.data.width > LIVE_STEP_S) return gaps;
    const [first = 0] = this.data.at;
    const least = chart.valToPos(first + SILENCE_S, "x", true) - chart.valToPos(first, "x", true);
    return gaps.filter(([from, to]) => to - from > least);
  }

  private options(): uPlot.Options {
    const { kind, lines, unit } = this.info;
    const isCount = unit === "count";
    const isBars = kind === "shares";
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const axis = {
      font,
      stroke: () => this.colour("--faint-foreground"),
      ticks: { show: false },
      border: { show: false },
    };
    return {
      width: Math.max(120, Math.floor(this.host.clientWidth)),
      height: HEIGHT,
      padding: [8, 4, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: true, auto: false },
        y: { range: (_, __, most) => [0, topOf(most, isCount)] },
      },
      axes: [
        {
          ...axis,
          size: 24,
          gap: 6,
          space: 54,
          grid: { show: false },
          values: (chart, splits, __, ___, apart) => this.times(chart, splits, apart),
        },
        {
          ...axis,
          size: AXIS_WIDTH,
          gap: 8,
          space: 32,
          grid: { stroke: () => this.colour("--border"), width: 1 },
          incrs: STEPS[unit],
          values: (_, splits) => splits.map((value) => tick(value, unit)),
        },
      ],
      series: [
        {},
        ...lines.map((line, at): uPlot.Series => {
          const isTinted = at === 0 && kind === "lines";
          if (isBars)
            return {
              width: 0,
              paths: uPlot.paths.bars?.({ size: [0.8, 24] }),
              fill: () => this.colour(line.colour, at === 0 ? 0.6 : 1),
              points: { show: false },
            };
          return {
            stroke: () => this.colour(line.colour),
            width: 1.5,
            paths: (...drawn) => (this.isDots(drawn[1]) ? null : (LINE?.(...drawn) ?? null)),
            points: { show: (_, of) => this.isDots(of), size: 4, fill: () => this.colour(line.colour) },
            gaps: (chart, _, __, ___, gaps) => this.silences(chart, gaps),
            fill: isTinted ? () => this.colour(line.colour, 0.1) : undefined,
          };
        }),
      ],
      bands:
        kind === "percentiles" && lines.length === 3
          ? [{ series: [3, 1], fill: () => this.colour("--ramp-3", 0.12) }]
          : undefined,
      cursor: {
        y: false,
        sync: {
          key: SYNC,
          scales: ["x", null],
          setSeries: false,
          filters: { pub: (type) => type === "mousemove" },
        },
        drag: { x: true, y: false, setScale: false, dist: FEWEST_PX },
        hover: { prox: NEAR_PX, skip: [null, undefined] },
        points: {
          size: 7,
          width: 0,
          fill: (_, at) => this.colour(lines[at - 1]?.colour ?? "--foreground"),
        },
        bind: {
          dblclick: () => () => {
            this.events.onReset();
            return null;
          },
        },
      },
      hooks: {
        setCursor: [(chart) => this.events.onCursor(this.index, (chart.cursor.idxs ?? []).slice(1))],
        setSelect: [() => this.zoomed()],
      },
    };
  }
}
