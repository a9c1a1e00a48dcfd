import { describe, expect, it } from "vitest";
import { chartData, intervalOf, isScattered, NO_DATA, shownTime, valuesAt } from "@/lib/chart-data";
import { formatBehind, formatBetween, parseBehind, parseBetween, parseSpan } from "@/lib/dashboard-address";
import { type ChartInfo, SECTIONS, sectionsFor, titleOf } from "@/lib/dashboard-charts";
import { FIGURES, figureBefore, figureOf, isUntouched, wayOf } from "@/lib/dashboard-figures";
import { orderAfter, sorted, USE_COLUMNS } from "@/lib/dashboard-tables";
import { addressOf, HOME, parseView } from "@/lib/location";
import type { MetricSeries } from "@/lib/metric-series";
import type { DashboardReply, MetricInfo, UseOf } from "@/lib/metrics-api";

const reply = (values: Record<string, number>, before: Record<string, number> = {}): DashboardReply => ({
  since: 0,
  until: 300,
  values,
  before,
  agents: [],
  models: [],
  endpoints: [],
  routes: [],
  metrics: [],
});

describe("the address", () => {
  it("has the range, the part of it and the number whose runs are listed", () => {
    const view = {
      ...HOME,
      page: "dashboard",
      range: "1h",
      zoom: "100-160",
      behind: "cost agent:writer",
    } as const;
    expect(parseView(addressOf(view).slice(1))).toEqual(view);
    expect(addressOf({ ...view, page: null })).toBe("/");
  });

  it("of an unknown range or of nonsense is that of the newest five minutes", () => {
    expect(parseSpan("2y", "yesterday")).toEqual({ range: "5m", zoom: null });
    expect(parseSpan("6h", "100.5-160")).toEqual({ range: "6h", zoom: { since: 100.5, until: 160 } });
    expect(parseBetween("160-100")).toBeNull();
    expect(parseBehind("drop table")).toBeNull();
    expect(formatBetween({ since: 100.04, until: 160.26 })).toBe("100-160.3");
  });

  it.each([
    { metric: "response_p95_ms", between: null, by: null, name: "" },
    { metric: "cost", between: { since: 100, until: 160 }, by: null, name: "" },
    { metric: "calls", between: { since: 1, until: 2 }, by: "model", name: "embedded/smollm2 135m: q4" },
  ] as const)("gives back what was asked behind: %o", (behind) => {
    expect(parseBehind(formatBehind(behind))).toEqual(behind);
  });
});

describe("a chart", () => {
  const series: MetricSeries = {
    step: 1,
    at: [101, 102, 103, 106, 107],
    values: { calls: [1, null, 2, 4, 8], call_errors: [0, 0, 1, 0, 0], rss: [5, 6, 7, 8, 9] },
    open: null,
  };
  const bars = SECTIONS.flatMap(({ charts }) => charts).find(({ id }) => id === "calls") as ChartInfo;

  it("of what is counted has bars that stay in their places when a second is added", () => {
    const data = chartData(bars, series, 300);
    expect(data).toMatchObject({
      width: 5,
      ends: [105, 110],
      at: [102.5, 107.5],
      lines: [
        [3, 12],
        [1, 0],
      ],
    });
    expect(intervalOf(data, 1)).toEqual({ since: 105, until: 110 });
    expect(intervalOf(data, 9)).toBeNull();
  });

  it("of bars shows the one under way whole, of lines the time that was asked for", () => {
    const data = chartData(bars, series, 300);
    expect(shownTime(bars, data, [0, 107])).toEqual([0, 110]);
    expect(shownTime({ ...bars, kind: "lines" }, data, [0, 107])).toEqual([0, 107]);
  });

  it("has dots where a line would be in shreds", () => {
    const of = (...values: (number | null)[]) => ({
      ...NO_DATA,
      at: values.map((_, at) => at * 10),
      lines: [values],
    });
    expect(isScattered(of(5, null, null, 5, 5, null, 5), 0, 15)).toBe(true);
    expect(isScattered(of(null, 5), 0, 15)).toBe(true);
    expect(isScattered(of(null, 5, 5, 5, 5), 0, 15)).toBe(false);
    expect(isScattered(of(5, null, 5, null, 5, 5), 0, 25)).toBe(false); // so short a silence does not count
    expect(isScattered(of(null, null), 0, 15)).toBe(false);
  });

  it.each([
    [300, 1, 5],
    [3_600, 10, 60],
    [21_600, 60, 360],
    [86_400, 300, 1_800],
    [604_800, 1_800, 10_800],
  ])("of %s s has bars of whole intervals", (span, step, width) => {
    expect(chartData(bars, { ...series, step }, span).width).toBe(width);
  });

  it("of what is not counted has every interval", () => {
    const rss: ChartInfo = { ...bars, kind: "lines", lines: [{ metric: "rss", label: "rss", colour: "" }] };
    expect(chartData(rss, series, 300)).toMatchObject({
      ends: series.at,
      width: 1,
      lines: [[5, 6, 7, 8, 9]],
    });
  });

  it("says what is under the cursor, else all that was counted, or the newest", () => {
    const data = chartData(bars, series, 300);
    expect(valuesAt(bars, data, series, [0, null])).toEqual([3, null]);
    expect(valuesAt(bars, data, series, null)).toEqual([15, 1]);
    expect(valuesAt({ ...bars, kind: "lines" }, data, series, null)).toEqual([8, 0]);
    expect(valuesAt(bars, NO_DATA, null, null)).toEqual([null, null]);
  });

  it("is there for a figure that the page does not know, in its group or in a new one", () => {
    const news = { name: "gpu", title: "GPU", unit: "%", what: "level", description: "" } as const;
    const known: MetricInfo = { ...news, group: "resources" };
    expect(sectionsFor([known]).at(-1)?.charts.at(-1)).toMatchObject({ title: "GPU", unit: "%" });
    expect(sectionsFor([{ ...known, group: "cluster" }]).at(-1)).toMatchObject({ title: "Cluster" });
    expect(sectionsFor([])).toBe(SECTIONS);
    expect(titleOf("gpu", [known])).toBe("GPU");
    expect(titleOf("gpu_load", [])).toBe("gpu load");
  });
});

describe("a big figure", () => {
  const figure = (metric: string) => {
    const found = FIGURES.find((each) => each.metric === metric);
    if (found === undefined) throw new Error(metric);
    return found;
  };

  it("is of the whole range, but for what runs now", () => {
    const told = reply({ response_p95_ms: 900, runs_running: 2 }, { response_p95_ms: 800 });
    expect(figureOf(figure("response_p95_ms"), told, { response_p95_ms: 1 })).toBe(900);
    expect(figureBefore(figure("response_p95_ms"), told)).toBe(800);
    expect(figureOf(figure("runs_running"), told, { runs_running: 5 })).toBe(5);
    expect(figureOf(figure("runs_running"), told, null)).toBe(2);
    expect(figureBefore(figure("runs_running"), reply({}, { runs_running: 0.1 }))).toBeNull();
  });

  it("that counts is 0 where nothing was counted, and a time is none", () => {
    expect(figureOf(figure("runs_failed"), reply({}), null)).toBe(0);
    expect(figureOf(figure("response_p50_ms"), reply({}), null)).toBeNull();
    expect(figureOf(figure("runs_failed"), null, null)).toBeNull();
    expect(figureBefore(figure("runs_failed"), reply({ runs_failed: 3 }))).toBeNull();
  });

  it("that counts goes its way without the interval under way, unless there is no other", () => {
    const open = { end: 30, seconds: 2 };
    const series = { step: 10, at: [10, 20, 22], values: { runs_failed: [4, 5, 1] }, open };
    expect(wayOf(figure("runs_failed"), series)).toEqual([4, 5]);
    expect(wayOf(figure("runs_failed"), { ...series, open: null })).toEqual([4, 5, 1]);
    const first = { ...series, values: { runs_failed: [null, null, 1] } };
    expect(wayOf(figure("runs_failed"), first)).toEqual([null, null, 1]);
  });

  it("of the cache is the share of what it answered", () => {
    expect(figureOf(figure("cache_hits"), reply({ cache_hits: 1, cache_misses: 3 }), null)).toBe(25);
    expect(figureOf(figure("cache_hits"), reply({ cache_hits: 2 }), null)).toBe(100);
    expect(figureOf(figure("cache_hits"), reply({}), null)).toBeNull();
  });

  it("is not shown while nobody has asked anything, now or before", () => {
    expect(isUntouched(reply({ cpu: 4, requests: 1, calls: 0 }))).toBe(true);
    expect(isUntouched(reply({ cpu: 4 }, { runs_started: 1 }))).toBe(false);
    expect(isUntouched(reply({ runs_running: 1 }))).toBe(false);
  });
});

describe("a table", () => {
  const row = (name: string, calls: number, p50Ms: number | null): UseOf =>
    ({ name, calls, p50Ms }) as unknown as UseOf;
  const rows = [row("writer", 2, 80), row("coder", 9, null), row("analyst", 2, 30)];
  const names = (column: string, isRising: boolean): string[] =>
    sorted(rows, USE_COLUMNS, ({ name }) => name, { column, isRising }).map(({ name }) => name);

  it("is sorted by a column, with what has no value last either way", () => {
    expect(names("calls", false)).toEqual(["coder", "writer", "analyst"]);
    expect(names("p50", true)).toEqual(["analyst", "writer", "coder"]);
    expect(names("p50", false)).toEqual(["writer", "analyst", "coder"]);
    expect(names("name", true)).toEqual(["analyst", "coder", "writer"]);
  });

  it("turns round at a second click, and begins with the most, or with A", () => {
    expect(orderAfter({ column: "calls", isRising: false }, "calls")).toEqual({
      column: "calls",
      isRising: true,
    });
    expect(orderAfter({ column: "calls", isRising: true }, "cost")).toEqual({
      column: "cost",
      isRising: false,
    });
    expect(orderAfter({ column: "calls", isRising: true }, "name")).toEqual({
      column: "name",
      isRising: true,
    });
  });
});
