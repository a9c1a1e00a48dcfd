import { describe, expect, it } from "vitest";
import { curvePaths, pointAt } from "@/lib/belief-chart";
import {
  beliefWords,
  contextsOf,
  contextWords,
  costWords,
  countsWords,
  evidenceWords,
  heardWords,
  itemWords,
  loudestFirst,
  tasksWords,
  timeWords,
  whatOf,
  whyWords,
} from "@/lib/belief-words";
import { formatPlace, parsePlace } from "@/lib/learning-place";
import { addressOf, HOME, parseView } from "@/lib/location";
import { changeOf, draftOf, isChanged, preferenceWords, problemsOf } from "@/lib/preference-draft";
import type { CurvePoint, HeardSignal, Preferences, Why } from "@/lib/records-api";

const point = (count: number, mean: number): CurvePoint => ({
  at: count,
  count,
  mean,
  low: mean - 0.1,
  high: mean + 0.1,
});
const heard = (name: string, value: number, counts: number, why = "m"): HeardSignal => ({
  name,
  kind: "explicit",
  value,
  weight: counts,
  counts,
  at: 0,
  why,
  means: "m",
});

describe("what is open", () => {
  it("is in the address, with the kind of tasks", () => {
    for (const of of ["", "role", "role:writer", "arm:||direct", "model:a/b~c"])
      for (const context of ["chat", "task:writer"]) {
        const item = formatPlace({ of, context });
        const view = { ...HOME, page: "learning", part: "records", item } as const;
        expect(parsePlace(parseView(addressOf(view)).item)).toEqual({ of, context });
      }
    expect(formatPlace({ of: "", context: "" })).toBeNull();
    expect(parsePlace(null)).toEqual({ of: "", context: "" });
  });
});

describe("what is believed", () => {
  it("has names", () => {
    expect(["role:writer", "model", "arm:||", "nonsense:x", ""].map(whatOf)).toEqual([
      "role",
      "model",
      "arm",
      "role",
      "role",
    ]);
    expect(itemWords("arm:||")).toBe("As usual");
    expect(itemWords("arm:||direct")).toBe("Without a plan");
    expect(itemWords("arm:writer-brief|small|")).toBe("Writer-brief with small");
    expect(itemWords("pattern:direct")).toBe("Without a plan");
    expect(itemWords("pattern:side_by_side")).toBe("Side by side");
    expect(itemWords("prompt:3f9a1c77e0b2")).toBe("3f9a1c77e0b2");
    expect(itemWords("prompt:3f9a1c77e0b2", "Brief, of writer")).toBe("Brief, of writer");
    expect(itemWords("memory:m_1")).toBe("m_1");
    expect(itemWords("memory:m_1", "Nora eats no fish.")).toBe("Nora eats no fish.");
    expect(itemWords("model:a:b")).toBe("a:b");
  });

  it("is of a kind of tasks", () => {
    expect(["", "chat", "task:writer"].map(contextWords)).toEqual(["All tasks", "Chat", "Tasks of writer"]);
    expect(contextsOf(["manager", "writer"], "task:gone")).toEqual([
      "",
      "chat",
      "creative",
      "analytical",
      "task:writer",
      "task:gone",
    ]);
    expect(contextsOf(["writer"], "chat")).toHaveLength(5);
  });

  it("has figures", () => {
    expect(beliefWords({ mean: 0.714, low: 0.6, high: 0.8 })).toBe("0.71, with 90 % between 0.60 and 0.80");
    expect([0, 1, 2, 15].map(evidenceWords)).toEqual(["none", "little", "some", "much"]);
    expect(tasksWords({ tasks: 1, errors: 0 })).toBe("1 task");
    expect(tasksWords({ tasks: 14, errors: 2 })).toBe("14 tasks, 2 failed");
    expect([timeWords(null), timeWords(0), timeWords(1240)]).toEqual(["–", "–", "1.24 s"]);
    expect([costWords(null), costWords(0), costWords(0.0042)]).toEqual(["–", "–", "$0.0042"]);
  });

  it("says why", () => {
    const told: Why = {
      item: "role:writer",
      context: "",
      mean: 0.7,
      low: 0.6,
      high: 0.8,
      weight: 3.14,
      changed: false,
      priorMean: 0.6,
      priorWeight: 2,
      total: 1,
      runs: [],
    };
    expect(whyWords(told)).toBe(
      "0.70 is the mean of what is believed of anything (0.60, with the weight of two clear words) and of 1 task that speaks, together with the weight of 3.1. With 90 % it lies between 0.60 and 0.80.",
    );
    expect(whyWords({ ...told, total: 3, changed: true })).toMatch(/3 tasks that speak.*changed of late/);
    expect(whyWords({ ...told, total: 0 })).toMatch(/^Nothing speaks of it yet/);
    expect(countsWords({ now: 1, weight: 1, share: 1 })).toBe("counts 1.00");
    expect(countsWords({ now: 0.4, weight: 1.05, share: 0.5 })).toBe(
      "counts 0.40 of 1.05, as it is older, with 50 % of the credit",
    );
  });

  it("names what was heard, the loudest first", () => {
    expect(heardWords(heard("thumb", 1, 1, "just right"))).toBe("Thumbs up: just right");
    expect(heardWords(heard("thumb", 0, 1))).toBe("Thumbs down");
    expect(heardWords(heard("thumb", 0.5, 1))).toBe("A thumb between");
    expect(heardWords(heard("ended", 0.6, 0.1, ""))).toBe("How it ended");
    expect(heardWords(heard("new_one", 0.6, 0.1))).toBe("New one");
    const all = [heard("ended", 0.6, 0.1), heard("thumb", 1, 1)];
    expect(loudestFirst(all).map(({ name }) => name)).toEqual(["thumb", "ended"]);
    expect(all[0]?.name).toBe("ended");
  });
});

describe("the learning curve", () => {
  const box = { width: 100, height: 10 };

  it("goes from left to right, good above", () => {
    const { line, band } = curvePaths([point(1, 0.5), point(2, 1), point(3, 0.2)], box);
    expect(line).toBe("M0.0 5.0L50.0 0.0L100.0 8.0");
    expect(band).toBe("M0.0 4.0L50.0 0.0L100.0 7.0L100.0 9.0L50.0 1.0L0.0 6.0Z");
  });

  it("of one task is a line, of none nothing", () => {
    expect(curvePaths([point(1, 0.5)], box).line).toBe("M0.0 5.0L100.0 5.0");
    expect(curvePaths([], box)).toEqual({ line: "", band: "" });
  });

  it("is read at a place", () => {
    const points = [point(1, 0.5), point(2, 0.6), point(3, 0.7)];
    expect([-1, 0.4, 0.8, 9].map((share) => pointAt(points, share)?.count)).toEqual([1, 2, 3, 3]);
    expect(pointAt([], 0.5)).toBeNull();
  });
});

describe("what learning may do", () => {
  const now: Preferences = {
    on: true,
    allowed: true,
    exploration: 0.1,
    ownExploration: null,
    time: 0,
    money: 0.05,
    signals: [
      { name: "thumb", kind: "explicit", weight: 1, usual: 1, means: "" },
      { name: "copied", kind: "implicit", weight: 0.5, usual: 0.3, means: "" },
    ],
  };

  it("is said in a sentence", () => {
    expect(preferenceWords(now)).toBe(
      "Learning is on. Up to 10 % of tasks are done otherwise than is believed best, to find out more; money counts too; you changed the weight of one signal.",
    );
    expect(preferenceWords({ ...now, exploration: 0, money: 0, signals: [] })).toBe(
      "Learning is on. Nothing is tried out.",
    );
    expect(preferenceWords({ ...now, time: 0.1 })).toContain("time and money count too");
    expect(preferenceWords({ ...now, on: false })).toMatch(/^You have turned learning off/);
    expect(preferenceWords({ ...now, allowed: false })).toContain("ALMA_LEARNING=true");
  });

  it("is sent as it was typed, but for what is as usual", () => {
    const draft = draftOf(now);
    expect(isChanged(draft, now)).toBe(false);
    expect(changeOf(draft, now)).toEqual({
      on: true,
      exploration: null,
      time: 0,
      money: 0.05,
      weights: { copied: 0.5 },
    });
    const typed = { ...draft, exploration: "7,5", time: ".2", weights: { thumb: "2", copied: "0.3" } };
    expect(isChanged(typed, now)).toBe(true);
    expect(problemsOf(typed)).toEqual({});
    expect(changeOf(typed, now)).toMatchObject({ exploration: 0.075, time: 0.2, weights: { thumb: 2 } });
  });

  it("is checked, in sentences", () => {
    const draft = { ...draftOf(now), exploration: "140", time: "", money: "-1", weights: { thumb: "11" } };
    expect(Object.keys(problemsOf(draft))).toEqual(["exploration", "time", "money", "thumb"]);
    for (const said of Object.values(problemsOf(draft))) expect(said).toMatch(/number from 0 to/);
    expect(problemsOf({ ...draftOf(now), exploration: "many" }).exploration).toContain("0 to 100");
  });
});
