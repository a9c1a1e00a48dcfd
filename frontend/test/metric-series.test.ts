import { describe, expect, it } from "vitest";
import {
  append,
  condensed,
  type MetricSeries,
  merged,
  newest,
  seriesOf,
  type What,
} from "@/lib/metric-series";

const WHAT: Record<string, What> = {
  p95: "percentile",
  calls: "sum",
  running: "level",
  lag: "peak",
  rate: "rate",
};
const whatOf = (name: string): What => WHAT[name] ?? "level";
const live = (at: number[], values: MetricSeries["values"]): MetricSeries => ({
  step: 1,
  at,
  values,
  open: null,
});
const heard = (series: MetricSeries, at: number, values: Record<string, number>, spanS = 300): MetricSeries =>
  append(series, { at, values }, spanS, whatOf);

describe("seconds", () => {
  it("are added, and the oldest leaves the window", () => {
    const series = heard(live([100, 101, 102], { running: [1, 2, 3] }), 103, { running: 4 }, 3);
    expect(series.at).toEqual([101, 102, 103]);
    expect(series.values.running).toEqual([2, 3, 4]);
  });

  it("have no value where a frame has none, and a new figure had none before", () => {
    const series = heard(live([100], { running: [1] }), 101, { calls: 2 });
    expect(series.values).toEqual({ running: [1, null], calls: [null, 2] });
  });

  it("that were missed are a gap, and not a line over it", () => {
    const series = heard(live([100], { running: [1] }), 120, { running: 9 });
    expect(series.at).toEqual([100, 101, 120]);
    expect(series.values.running).toEqual([1, null, 9]);
  });

  it("that are known already are not told twice, but filled where nothing was known of them yet", () => {
    const series = live([100, 101], { running: [1, null], calls: [0, 5] });
    expect(heard(series, 101, { running: 7, calls: 6 }).values).toEqual({ running: [1, 7], calls: [0, 5] });
    expect(heard(series, 100, { running: 7 })).toBe(series);
  });

  it("asked for anew keep what was heard after them", () => {
    const known = live([100, 101, 102], { running: [1, null, 3] });
    const reply = live([99, 100, 101], { running: [0, 1, 2] });
    const series = merged(known, reply);
    expect(series.at).toEqual([99, 100, 101, 102]);
    expect(series.values.running).toEqual([0, 1, 2, 3]);
  });
});

describe("longer intervals", () => {
  const minutes = seriesOf({
    since: 0,
    until: 180,
    step: 60,
    at: [60, 120, 180],
    series: { running: [1, 2, 3], calls: [10, 20, 30] },
    highs: {},
  });

  it("take the frames of the one under way, each in its manner", () => {
    let series = heard(minutes, 181, { running: 5, lag: 4, p95: 100, calls: 2, rate: 10 });
    series = heard(series, 182, { running: 6, lag: 9, p95: 300, calls: 2, rate: 20 });
    series = heard(series, 183, { running: 4, lag: 1, rate: 30 });
    expect(series.at).toEqual([60, 120, 180, 183]);
    const last = Object.fromEntries(
      Object.entries(series.values).map(([name, values]) => [name, values.at(-1)]),
    );
    expect(last).toEqual({ running: 4, lag: 9, p95: 200, calls: 4, rate: 20 });
  });

  it("end at their time once the next one begins", () => {
    const series = heard(heard(minutes, 200, { running: 5 }), 241, { running: 6 });
    expect(series.at).toEqual([60, 120, 180, 240, 241]);
    expect(series.values.running).toEqual([1, 2, 3, 5, 6]);
  });

  it("that the server tells of before they have ended are under way, and what is counted goes on", () => {
    const reply = {
      since: 0,
      until: 150,
      step: 60,
      at: [60, 120, 150],
      series: { calls: [10, 20, 3], rate: [4, 4, 4] },
      highs: {},
    };
    const series = seriesOf(reply);
    expect(series.values.calls).toEqual([10, 20, 3]);
    expect(heard(series, 150, { calls: 9 })).toBe(series); // the reply has it
    const later = heard(series, 151, { rate: 35, calls: 2 });
    expect(later.at).toEqual([60, 120, 151]);
    expect(later.values.calls).toEqual([10, 20, 5]);
    expect(later.values.rate?.at(-1)).toBeCloseTo(5);
    expect(heard(later, 181, { rate: 1 }).at).toEqual([60, 120, 180, 181]);
  });
});

it("many values become few: sums are added, levels averaged, of peaks and percentiles the highest stays", () => {
  const values = [1, 3, null, null, 8, 2];
  expect(condensed(values, 3, "sum")).toEqual([4, null, 10]);
  expect(condensed(values, 3, "level")).toEqual([2, null, 5]);
  expect(condensed(values, 3, "percentile")).toEqual([3, null, 8]);
  expect(condensed([1, 2, 3, 4, 5], 3, "sum")).toEqual([1, 5, 9]);
});

it("the newest value is found behind those that have none, if it is not too old", () => {
  const series = live([100, 101, 102], { running: [7, null, null] });
  expect(newest(series, "running")).toBe(7);
  expect(newest(series, "running", 1)).toBeNull();
  expect(newest(series, "unknown")).toBeNull();
});
