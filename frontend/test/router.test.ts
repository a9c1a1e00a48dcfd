import { describe, expect, it } from "vitest";
import type { Arm, Chosen, Lately } from "@/lib/router-api";
import {
  armWords,
  budgetUsed,
  chosenWords,
  latelyWords,
  priorWords,
  rewardWords,
  shareWords,
} from "@/lib/router-words";

const arm = {
  role: "manager",
  model: "a/b",
  pattern: "",
  share: 0.86,
  prior: 0.6,
  priorFrom: "as of any answer",
};
const lately = (choices: number, explored: number, budget = 0.1, waits = false): Lately => ({
  choices,
  explored,
  budget,
  waits,
});

describe("ways to do a task", () => {
  it("have names", () => {
    expect(armWords(arm)).toBe("manager with a/b");
    expect(armWords({ ...arm, model: "" })).toBe("manager");
    expect(armWords({ ...arm, pattern: "direct" })).toBe("manager with a/b, without a plan");
    expect(armWords({ ...arm, pattern: "side_by_side" } as Arm)).toBe(
      "manager with a/b, split by side by side",
    );
  });

  it("have odds, and something that was expected of them", () => {
    expect(shareWords(arm)).toBe("Would get 86 % of such tasks now");
    expect(shareWords({ share: 1 })).toBe("Would get every such task now");
    expect(priorWords(arm)).toBe("Before it had done anything, 0.60 was expected of it: as of any answer.");
  });
});

describe("what was chosen of late", () => {
  it("is set beside what may be tried out", () => {
    expect(latelyWords(lately(0, 0))).toBe("Nothing was up to choice yet.");
    expect(latelyWords(lately(40, 3))).toBe(
      "Of the last 40 choices 3 were made to find out more, which is 8 %. On average at most 10 % may be.",
    );
    expect(latelyWords(lately(1, 1))).toContain("1 was made to find out more, which is 100 %");
    expect(latelyWords(lately(40, 0, 0))).toBe(
      "Of the last 40 choices none was made to find out more. Nothing may be now.",
    );
    expect(latelyWords(lately(3, 0, 0.1, true))).toContain("Nothing is before more was said of such tasks.");
    expect(budgetUsed(lately(40, 2))).toBeCloseTo(0.5);
    expect([budgetUsed(lately(0, 0)), budgetUsed(lately(9, 0, 0)), budgetUsed(lately(9, 1, 0))]).toEqual([
      0, 0, 1,
    ]);
  });

  it("is told with its odds and what came of it", () => {
    const one = { by: "explored", propensity: 0.02 } as Chosen;
    expect(chosenWords(one)).toBe("Tried out, to find out more, with odds of 2 %");
    expect(chosenWords({ by: "learned", propensity: 1 })).toBe("Believed best");
    expect([rewardWords(null), rewardWords(0.94)]).toEqual(["nothing was said of it", "reward 0.94"]);
  });
});
