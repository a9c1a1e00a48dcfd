import { describe, expect, it } from "vitest";
import type { Curves, Lab } from "@/lib/lab-api";
import {
  apart,
  bandPath,
  fittingSeeds,
  formatChoice,
  intervalNote,
  linePath,
  nearest,
  parseChoice,
  playsOf,
  pointWords,
  ranked,
  stepOf,
  styleOf,
  ticksOf,
  topOf,
  typedWhole,
  verdictWords,
} from "@/lib/lab-figures";

const names = ["alma", "careful", "thompson", "greedy", "usual"];
const LAB: Lab = {
  worlds: [
    { name: "tastes", about: "", tasks: 900, stationary: true, settings: {} },
    { name: "lazy", about: "", tasks: 1500, stationary: true, settings: {} },
  ],
  policies: names.map((name) => ({ name, about: "" })),
  most: 120_000,
};
const band = (...mean: number[]) => ({ mean, low: mean.map((v) => v - 1), high: mean.map((v) => v + 1) });
const curves = (policy: string, regret: number, regrets: number[]): Curves => ({
  policy,
  at: [10, 20],
  regret: band(regret / 2, regret),
  reward: band(0.5, 0.6),
  best: band(0.3, 0.8),
  regrets,
});

describe("what is chosen in the lab", () => {
  it("stands in the address, and comes back as it was", () => {
    const choice = { world: "lazy", policies: ["alma", "greedy"], tasks: 300, seeds: 7 };
    expect(formatChoice(choice)).toBe("lazy~alma,greedy~300~7");
    expect(parseChoice("lazy~alma,greedy~300~7", LAB)).toEqual(choice);
  });

  it("is as usual where the address says nothing, or what is not there", () => {
    const usual = { world: "tastes", policies: ["alma", "thompson", "usual"], tasks: 0, seeds: 20 };
    expect(parseChoice(null, LAB)).toEqual(usual);
    expect(parseChoice("moon~sun,stars~x~-3", LAB)).toEqual({ ...usual, seeds: 1 });
    expect(parseChoice("lazy~alma~99999~99999", LAB)).toMatchObject({ tasks: 5000, seeds: 200 });
  });

  it("is counted, and cut to what is played at once", () => {
    const choice = { world: "lazy", policies: ["alma", "usual"], tasks: 0, seeds: 50 };
    expect(playsOf(choice, LAB)).toBe(150_000);
    expect(fittingSeeds(choice, LAB)).toBe(40);
    expect(fittingSeeds({ ...choice, seeds: 3 }, LAB)).toBe(3);
  });
});

describe("a chart of the lab", () => {
  it("goes from 0 to a round value above all of it", () => {
    expect([7, 43, 130, 0.4].map(stepOf)).toEqual([2, 10, 20, 0.1]);
    const found = [curves("alma", 42, []), curves("usual", 170, [])];
    expect(topOf(found, "regret")).toBe(200);
    expect(topOf(found, "best")).toBe(1);
    expect(ticksOf(200)).toEqual([0, 50, 100, 150, 200]);
    expect(ticksOf(1)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(topOf([curves("alma", -1, [])], "regret")).toBe(4);
  });

  it("draws lines and intervals within its box", () => {
    const box = { width: 100, height: 50, top: 10, last: 20 };
    expect(linePath([10, 20], [5, 20], box)).toBe("M50.0 25.0L100.0 0.0");
    expect(bandPath([10, 20], { mean: [5, 5], low: [0, 2], high: [5, 10] }, box)).toBe(
      "M50.0 25.0L100.0 0.0L100.0 40.0L50.0 50.0Z",
    );
    expect(bandPath([], band(), box)).toBe("");
  });

  it("finds the point that is meant, and gives each policy one look", () => {
    expect([0, 14, 16, 99].map((task) => nearest([10, 20], task))).toEqual([0, 0, 1, 1]);
    const looks = names.map((name) => JSON.stringify(styleOf(name, LAB)));
    expect(new Set(looks).size).toBe(names.length);
  });
});

describe("what came of it", () => {
  it("is said with intervals, the least regret first", () => {
    const found = [curves("usual", 170, []), curves("alma", 42, [])];
    expect(ranked(found).map(({ policy }) => policy)).toEqual(["alma", "usual"]);
    expect(pointWords(band(1, 42.04), "regret", 3)).toBe("42.0 (41.0 to 43.0)");
    expect(pointWords({ mean: [0.71], low: [0.6], high: [0.8] }, "best", 2)).toBe("71 % (60 % to 80 %)");
    expect(pointWords(band(1, 42.04), "regret", 1)).toBe("42.0");
    expect(intervalNote(1)).toContain("One life has no interval");
  });

  it("takes whole numbers within bounds only", () => {
    expect(["1", " 20 ", "200"].map((text) => typedWhole(text, 200))).toEqual([1, 20, 200]);
    for (const text of ["0", "1.5", "201", "9999999", "-3", "1e2", "", "x"])
      expect(typedWhole(text, 200)).toBeNull();
  });

  it("compares seed by seed, with Student's interval", () => {
    const { mean, low, high } = apart([10, 20, 30, 40, 50], [11, 22, 33, 44, 55]);
    expect(mean).toBe(3);
    // 2.776 × 1.5811 / √5, from a table of t.
    expect(high - mean).toBeCloseTo(1.963, 2);
    expect(mean - low).toBeCloseTo(1.963, 2);
    expect(apart([1], [5]).low).toBe(Number.NEGATIVE_INFINITY);
  });

  it("tells what is clear from what may be chance", () => {
    const clear = [curves("alma", 42, [41, 42, 43, 42]), curves("usual", 170, [169, 170, 171, 170])];
    const run = { world: "tastes", tasks: 900, seeds: 4, curves: clear };
    expect(verdictWords(run)).toMatch(/^alma loses 42.0 \(.+\) over 900 tasks, less than usual, by 128.0 \(/);
    const close = [curves("alma", 42, [30, 54, 38, 46]), curves("greedy", 43, [50, 36, 49, 37])];
    expect(verdictWords({ ...run, curves: close })).toContain("which may be chance");
    expect(verdictWords({ ...run, seeds: 2 })).toContain("so few seeds");
    expect(verdictWords({ ...run, curves: clear.slice(0, 1) })).toMatch(/tasks\.$/);
  });
});
