import { describe, expect, it } from "vitest";
import { change, measure, moment, tick, tickTime, written } from "@/lib/metric-units";

describe("a measured value", () => {
  it.each([
    [0.42, "ms", "0.42 ms"],
    [84.2, "ms", "84.2 ms"],
    [420, "ms", "420 ms"],
    [1_240, "ms", "1.24 s"],
    [12_340, "ms", "12.3 s"],
    [180_000, "ms", "3 min"],
    [2.5, "s", "2.50 s"],
    [96.43, "tokens/s", "96.4 tokens/s"],
    [3.2, "/s", "3.2 /s"],
    [9_451, "count", "9,451"],
    [34_312, "count", "34.3 k"],
    [5_080_000, "tokens", "5.08 M tokens"],
    [412.3, "MiB", "412 MiB"],
    [2_048, "MiB", "2 GiB"],
    [0.4, "%", "< 1 %"],
    [34.4, "%", "34 %"],
    [0.0042, "USD", "$0.0042"],
    [7, "parsecs", "7 parsecs"],
    [null, "ms", "–"],
    [Number.NaN, "ms", "–"],
  ])("%s %s reads %s", (value, unit, words) => expect(measure(value, unit)).toBe(words));

  it("has its unit apart where that is set smaller", () => {
    expect(written(1_240, "ms")).toEqual({ number: "1.24", unit: "s" });
    expect(written(3, "count")).toEqual({ number: "3", unit: "" });
  });

  it("is short on an axis", () => {
    expect([0, 500, 1_500, 20_000].map((value) => tick(value, "ms"))).toEqual([
      "0",
      "500 ms",
      "1.5 s",
      "20 s",
    ]);
    expect(tick(200, "tokens/s")).toBe("200");
    expect(tick(40, "%")).toBe("40 %");
  });
});

describe("what changed", () => {
  it.each([
    [112, 100, "ms", "+12 %"],
    [92, 100, "ms", "−8 %"],
    [100.2, 100, "ms", "the same"],
    [340, 100, "count", "×3.4"],
    [31, 28, "%", "+3 pt"],
    [28, 28.2, "%", "the same"],
    [0, 0, "count", "the same"],
  ])("from %s against %s (%s) is %s", (now, before, unit, words) =>
    expect(change(now, before, unit)).toBe(words),
  );

  it("cannot be said where there is nothing to compare", () => {
    expect(change(5, null, "count")).toBeNull();
    expect(change(null, 5, "count")).toBeNull();
    expect(change(5, 0, "count")).toBeNull();
  });
});

it("a moment is told as finely as the time around it needs", () => {
  const at = new Date(2026, 10, 26, 14, 3, 20).getTime() / 1_000;
  expect([300, 3_600, 604_800].map((span) => moment(at, span))).toEqual([
    "14:03:20",
    "14:03",
    "Thu 26 14:03",
  ]);
  expect([5, 600, 86_400].map((apart) => tickTime(at, apart))).toEqual(["14:03:20", "14:03", "Thu 26"]);
});
