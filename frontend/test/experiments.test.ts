import { describe, expect, it } from "vitest";
import {
  bodyOf,
  EMPTY,
  formatOf,
  newVariant,
  rowsIn,
  specOf,
  whereWords,
  withRows,
  wrongAt,
  wrongIn,
} from "@/lib/experiment-draft";
import { formatExperimentPlace, parseExperimentPlace } from "@/lib/experiment-place";
import {
  barAt,
  basisWords,
  behindBy,
  chance,
  effectWords,
  estimateWords,
  failedWords,
  intervalWords,
  judgeWords,
  points,
  powerWords,
  progressOf,
  progressWords,
  reachOf,
  shapeWords,
  signedPoints,
  standingOf,
} from "@/lib/experiment-words";
import type { Comparison, Paired } from "@/lib/experiments-api";

const found: Paired = {
  n: 12,
  base: 0.5,
  other: 0.75,
  difference: 0.25,
  low: 0.08,
  high: 0.42,
  dZ: 0.6,
  delta: 0.25,
  p: 0.01,
  leftOut: 0,
  why: "",
};
const comparison: Comparison = {
  evaluator: "regex",
  base: "usual",
  variant: "brief",
  found,
  slices: {},
  pHolm: 0.02,
  more: 0,
  better: "brief",
  words: "",
};

describe("an experiment that is filled in", () => {
  it("leaves out what is as usual", () => {
    const draft = { ...EMPTY, name: " Short ", variants: [newVariant(0, "usual")] };
    expect(specOf(draft)).toEqual({
      name: "Short",
      variants: [{ name: "usual", role: "manager" }],
      evaluators: [{ type: "regex" }],
      seeds: 1,
      limits: { seconds: 120, parallel: 2, money: 0 },
    });
  });

  it("says what differs, and leaves what is no number for the server to refuse", () => {
    const variant = {
      ...newVariant(1, "b"),
      model: "a/b",
      prompt: "Short.",
      temperature: "0.2",
      memory: true,
    };
    const spec = specOf({
      ...EMPTY,
      variants: [variant],
      evaluators: ["judge"],
      judge: "a/c",
      seeds: "many",
      kind: "chat",
    });
    expect(spec.variants).toEqual([
      { name: "b", role: "manager", model: "a/b", prompt: "Short.", temperature: 0.2, memory: true },
    ]);
    expect(spec.evaluators).toEqual([{ type: "judge", model: "a/c" }]);
    expect([spec.seeds, spec.kind]).toEqual(["many", "chat"]);
  });

  it("goes as a file where it is pasted", () => {
    const draft = { ...EMPTY, way: "file", text: '{"name": "x"}', data: "{}" } as const;
    expect(bodyOf(draft)).toEqual({ text: '{"name": "x"}', format: "json", data: "{}" });
    expect(formatOf("# a = b\nname: x = y\n")).toBe("yaml");
    expect(formatOf('name = "x"\n[[variants]]\n')).toBe("toml");
    expect(rowsIn("{}\n\n {} \n")).toBe(2);
  });
});

describe("what is wrong with it", () => {
  it("is said by field and by line", () => {
    const wrong = wrongIn({
      code: "experiment_invalid",
      message: "It cannot be run.",
      actual:
        "line 4, variants[1].model: there is no such model\nthis is no YAML: mapping\nline 2, two variants are called 'a'",
    });
    expect(wrong).toEqual([
      { where: "variants[1].model", message: "there is no such model", line: 4 },
      { where: "", message: "this is no YAML: mapping", line: 0 },
      { where: "", message: "two variants are called 'a'", line: 2 },
    ]);
    expect(wrongAt(wrong, "variants[1]")).toBe("There is no such model.");
    expect(wrongAt(wrong, "variants[10]")).toBeNull();
    expect(whereWords("variants[1].stand_in")).toBe("variants 2, stand in");
  });

  it("is of the rows where those cannot be read", () => {
    const facts = { code: "data_set_invalid", message: "It has no rows." };
    expect(wrongIn({ ...facts, actual: "0 rows" })).toEqual([
      { where: "data", message: "It has no rows.", line: 0 },
    ]);
    expect(wrongIn({ ...facts, actual: "line 3: this is no JSON: odd" })).toEqual([
      { where: "data", message: "this is no JSON: odd", line: 3 },
    ]);
    expect(wrongIn({ code: "unreachable", message: "x", actual: "line 3: y" })).toEqual([]);
  });
});

describe("an experiment in words", () => {
  it("tells how far it is", () => {
    const states = { waiting: 3, running: 1, answered: 1, scored: 4, failed: 1 };
    expect(progressOf(states)).toEqual({ done: 5, failed: 1, all: 10, share: 0.5 });
    expect(progressWords(states)).toBe("5 of 10 runs done, 1 not judged yet, 1 failed");
    expect(progressWords({ scored: 1 })).toBe("all 1 run done");
    expect(progressOf({}).share).toBe(0);
    const noName = [{ where: "name", message: "expected a text", line: 0 }];
    expect(withRows(noName, " \n").map(({ where }) => where)).toEqual(["name", "data"]);
    expect(withRows(noName, "{}")).toEqual(noName);
    expect(withRows([], "")).toEqual([]);
    const figures = [
      { runs: 3, waiting: 3 },
      { runs: 3, waiting: 2 },
    ];
    expect(behindBy(figures, { waiting: 1, running: 1, scored: 3, answered: 1 })).toBe(3);
    expect(behindBy(figures, { waiting: 5, scored: 1 })).toBe(0);
    expect(basisWords(figures)).toBe("The verdict after 1 of 6 runs");
    expect(shapeWords({ variants: ["a", "b"], rows: 4, seeds: 3 })).toBe(
      "2 variants on 4 tasks, 3 times each",
    );
  });

  it("tells beforehand what it takes", () => {
    const words = estimateWords(
      { cells: 8, runs: 24, tokens: 1200, money: 0.4 },
      { seconds: 60, parallel: 4 },
    );
    expect(words).toContain("8 runs and up to 16 judgements; about 1,200 tokens and about $0.40");
    expect(words).toContain("6 min 0 s at most");
    expect(estimateWords({ cells: 1, runs: 1, tokens: 1, money: 0 }, { seconds: 5, parallel: 1 })).toContain(
      "no money",
    );
  });

  it("tells differences in points, with their sign", () => {
    expect([
      points(0.5),
      points(null),
      signedPoints(0.25),
      signedPoints(-0.031),
      signedPoints(-0.0001),
    ]).toEqual(["50.0", "–", "+25.0", "−3.1", "0.0"]);
    expect(intervalWords(found)).toBe("+8.0 to +42.0");
    expect(intervalWords({ low: null, high: null })).toBe("–");
    expect([chance(null), chance(0.0004), chance(0.02), chance(0.4)]).toEqual([
      "–",
      "< 0.001",
      "0.020",
      "0.40",
    ]);
    expect([0.1, -0.3, 0.6, 2].map(effectWords)).toEqual(["negligible", "small", "medium", "large"]);
  });

  it("tells what more tasks would show", () => {
    expect(powerWords(comparison)).toBe("These 12 tasks would show a difference of 5 points.");
    expect(powerWords({ ...comparison, found: { ...found, dZ: null } })).toContain("cannot be told");
    expect(powerWords({ ...comparison, more: 1, better: "B" })).toContain("About 1 more task would");
    expect(powerWords({ ...comparison, more: 1, better: "" })).toBe("");
    expect(powerWords({ ...comparison, more: null })).toContain("Too few");
  });

  it("tells who is better, what failed and how a judge judged", () => {
    expect(standingOf(comparison)).toBe("better");
    expect(standingOf({ ...comparison, better: "usual" })).toBe("worse");
    expect(standingOf({ ...comparison, better: "" })).toBe("open");
    expect(failedWords({ failed: 2, errors: { endpoint_error: 2 } })).toBe("2 runs failed: endpoint error 2");
    const judge = { judge: "judge", pairs: 5, none: 1, firstPlace: 1, secondPlace: 0, both: 0 };
    expect(judgeWords({ ...judge, agree: null, kappa: null })).toContain("nobody has judged");
    expect(judgeWords({ ...judge, both: 4, agree: 0.75, kappa: 0.5 })).toContain(
      "75 % of 4 pairs (kappa 0.50)",
    );
  });
});

describe("bars", () => {
  it("hold every interval, and put no difference in the middle", () => {
    const reach = reachOf([found, { ...found, low: -0.1 }]);
    expect(reach).toBeGreaterThanOrEqual(0.42);
    expect(barAt(0, reach)).toBe(50);
    expect(barAt(9, reach)).toBe(100);
    expect(reachOf([])).toBe(0.05);
  });
});

it("an address comes back as it was written", () => {
  for (const item of [null, "new", "e_01", "judge:e_01", "compare:e_01:e_02", "compare::"])
    expect(formatExperimentPlace(parseExperimentPlace(item))).toBe(item);
});
