import { describe, expect, it } from "vitest";
import { basisWords, beliefWords, countsWords, heardWords, signed, type Why, type WhyRun } from "@/lib/worth";

const WHY: Why = {
  item: "memory:m_1",
  context: "",
  mean: 0.714,
  low: 0.55,
  high: 0.83,
  weight: 4.21,
  changed: false,
  priorMean: 0.6,
  priorWeight: 2,
  total: 3,
  runs: [],
};
const signal = { name: "thumb", kind: "explicit", value: 1, weight: 1, counts: 1, at: 0 } as const;

describe("why a number is what it is", () => {
  it("has a sign where it is not nothing", () => {
    expect([0.344, -0.2, 0.001, -0.004].map(signed)).toEqual(["+0.34", "−0.20", "0", "0"]);
  });

  it("has its interval, and what it is made of", () => {
    expect(beliefWords(WHY)).toBe("0.71 (0.55 to 0.83)");
    expect(basisWords(WHY)).toBe(
      "The mean of 3 tasks with weight 4.2 in all, and of what is believed of anything at first, 0.60 with weight 2.",
    );
    expect(basisWords({ ...WHY, changed: true })).toContain("What came before a change counts less.");
    expect(basisWords({ ...WHY, total: 0 })).toContain("Nothing was said yet");
  });

  it("says of a run what was heard and what that counts", () => {
    const run: WhyRun = {
      runId: "r",
      taskId: "main",
      threadId: "t",
      at: 0,
      reward: 1,
      weight: 0.4,
      now: 0.3,
      share: 0.335,
      signals: [
        { ...signal, why: "you said it was good", means: "the thumb" },
        { ...signal, name: "copied", why: "", means: "the answer was copied" },
      ],
    };
    expect(heardWords(run)).toBe("you said it was good; the answer was copied");
    expect(countsWords(run)).toBe("reward 1.00, weight 0.30 of 0.40 once, 34 % of the credit");
    expect(countsWords({ ...run, now: 0.4 })).toBe("reward 1.00, weight 0.40, 34 % of the credit");
  });
});
