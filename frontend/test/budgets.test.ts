import { describe, expect, it } from "vitest";
import type { DaySpend, ScopeSpend } from "@/lib/api";
import { amount, budgetSentence, lastWords } from "@/lib/budget-words";
import { hitReason, savedWords } from "@/lib/cache-words";
import { failoverWords, isFailover, triedWords, writerOf } from "@/lib/failover-words";
import { compact, money, percent } from "@/lib/format";
import { budgetChange, inOrder, lastDays, usedShare, usedWords } from "@/lib/spend";
import { Log } from "@/test/planned-events";

describe("figures", () => {
  it("of money keep the digits that count", () => {
    expect([0, 0.000_001, 0.000_42, 0.004_12, 0.42, 12.3, 1240.4].map(money)).toEqual([
      "$0",
      "< $0.00001",
      "$0.00042",
      "$0.0041",
      "$0.42",
      "$12.30",
      "$1,240",
    ]);
  });

  it("of shares and of many tokens are short", () => {
    expect([0, 0.004, 0.126, 1].map(percent)).toEqual(["0 %", "< 1 %", "13 %", "100 %"]);
    expect([840, 12_400, 184_210, 1_204_000].map(compact)).toEqual(["840", "12.4 k", "184 k", "1.2 M"]);
  });

  it("of a budget have its unit", () => {
    expect(amount("tokens", 20_000)).toBe("20,000 tokens");
    expect(amount("tokens", 1)).toBe("1 token");
    expect(amount("seconds", 600)).toBe("10 min");
    expect(amount("seconds", 95)).toBe("1 min 35 s");
    expect(amount("money", 0.25)).toBe("$0.25");
  });
});

describe("a run's budgets", () => {
  const told = (): Log => {
    const log = new Log();
    log.add(0, { type: "RUN_STARTED", text: "Compare", tokens: 2000, money: 0.5, fresh: true });
    return log;
  };

  it("are what the user gave it", () => {
    expect(told().run()).toMatchObject({ limits: { tokens: 2000, seconds: 0, money: 0.5 }, fresh: true });
  });

  it("of the run, chat or day are the run's; a task's own stay with the task", () => {
    const log = told();
    log.custom(10, "alma.budget", { what: "tokens", limit: 300, used: 310 }, "1");
    log.custom(20, "alma.budget", { what: "money", limit: 2, used: 1.7, warning: true, scope: "day" }, "1");
    const run = log.run();
    expect(run.tasks.get("1")?.budget.reached).toHaveLength(1);
    expect(run.budgets).toEqual([{ what: "money", limit: 2, used: 1.7, warning: true, scope: "day" }]);
  });

  it("are told once each: the stop in place of its warning", () => {
    const warned = { what: "tokens", limit: 100, used: 81, warning: true, scope: "thread" } as const;
    const day = { what: "tokens", limit: 900, used: 801, warning: true, scope: "day" } as const;
    const spent = { what: "tokens", limit: 100, used: 104, scope: "thread" } as const;
    expect(lastWords([warned, day, spent])).toEqual([day, spent]);
  });

  it("are said as sentences", () => {
    expect(budgetSentence({ what: "tokens", limit: 20_000, used: 20_412, scope: "thread" })).toBe(
      "The tokens for this chat are used up: 20,412 of 20,000.",
    );
    expect(budgetSentence({ what: "money", limit: 2, used: 1.71, warning: true, scope: "day" })).toBe(
      "Most of the money for today is used: $1.71 of $2.00.",
    );
  });
});

describe("spend", () => {
  const scope = (name: ScopeSpend["scope"], limits: [number, number, number] = [0, 0, 0]): ScopeSpend => ({
    scope: name,
    tokens: { used: 400, limit: limits[0] },
    seconds: { used: 30, limit: limits[1] },
    money: { used: 0.4, limit: limits[2] },
  });

  it("shows today first and each run last, whatever order they come in", () => {
    const scopes = [scope("run"), scope("owner"), scope("day")];
    expect(inOrder(scopes).map((each) => each.scope)).toEqual(["day", "owner", "run"]);
  });

  it("warns from a share on, and says when all is used", () => {
    expect(usedShare({ used: 10, limit: 0 }, 0.8)).toBeNull();
    expect(usedShare({ used: 79, limit: 100 }, 0.8)).toMatchObject({ tone: "plain" });
    expect(usedShare({ used: 80, limit: 100 }, 0.8)).toMatchObject({ tone: "warned", share: 0.8 });
    expect(usedShare({ used: 130, limit: 100 }, 0.8)).toEqual({ tone: "spent", share: 1 });
  });

  it("says what was used, or what each run may use", () => {
    expect(usedWords("tokens", { used: 400, limit: 1000 }, "day")).toBe("400 of 1,000 tokens");
    expect(usedWords("money", { used: 0.4, limit: 2 }, "day")).toBe("$0.40 of $2.00");
    expect(usedWords("tokens", { used: 400, limit: 0 }, "day")).toBe("400 tokens");
    expect(usedWords("seconds", { used: 0, limit: 600 }, "run")).toBe("at most 10 min");
    expect(usedWords("seconds", { used: 0, limit: 0 }, "run")).toBe("no limit");
  });

  it("changes only what is other than it was; an emptied field is no limit", () => {
    const before = scope("thread", [1000, 60, 0]);
    expect(budgetChange(before, { tokens: "1000", seconds: "60", money: "" }, "t")).toBeNull();
    expect(budgetChange(before, { tokens: "2000", seconds: "", money: "0.5" }, "t")).toEqual({
      scope: "thread",
      threadId: "t",
      tokens: 2000,
      seconds: 0,
      money: 0.5,
    });
    expect(budgetChange(scope("day"), { tokens: "-4", seconds: "x", money: "1" }, "t")).toEqual({
      scope: "day",
      money: 1,
    });
  });

  it("of thirty days has an empty one where nothing was used, and ends with the newest", () => {
    const of = (day: string, calls: number): DaySpend => ({
      ...{ day, calls, inputTokens: 1, outputTokens: 1, cachedTokens: 0 },
      ...{ savedTokens: 0, seconds: 0, money: 0 },
    });
    const days = lastDays([of("2026-02-28", 3), of("2026-03-02", 4)], "2026-03-01");
    expect(days).toHaveLength(30);
    expect(days.slice(-3).map(({ day, calls }) => [day, calls])).toEqual([
      ["2026-02-28", 3],
      ["2026-03-01", 0],
      ["2026-03-02", 4],
    ]);
    expect(days[0]?.day).toBe("2026-02-01");
  });
});

describe("an answer from the cache", () => {
  const saved = { saved_input_tokens: 812, saved_output_tokens: 392, saved_ms: 3204, saved_cost: 0.00412 };

  it("says what it saved", () => {
    expect(savedWords({ source: "exact", ...saved })).toBe("1,204 tokens · 3.20 s · $0.0041");
    expect(savedWords({ source: "exact" })).toBeNull();
  });

  it("says what it was made for", () => {
    expect(hitReason({ source: "exact", age_s: 7300 })).toBe("The very same was asked 2 h 1 min ago.");
    const alike = { source: "semantic", question: "Why rain?", score: 0.943, age_s: 30 } as const;
    expect(hitReason(alike)).toBe(
      "“Why rain?” was asked 30 s ago, and means much the same (similarity 0.94).",
    );
  });
});

describe("an endpoint that breaks off", () => {
  const failure = {
    messageId: "m1",
    attempt: 1,
    endpoint: "groq",
    others: 1,
    error: { code: "endpoint_cut", message: "Cut." },
  };
  const log = (): Log => {
    const log = new Log();
    log.add(0, { type: "RUN_STARTED", text: "Why?" });
    log.start(10, "m1", "main");
    log.text(20, "m1", "main", "Half an ans");
    log.custom(30, "alma.attempt_failed", failure);
    return log;
  };

  it("is followed at once by another, whose text takes the place of the first", () => {
    const told = log();
    expect(isFailover(failure)).toBe(true);
    expect(failoverWords(failure, told.run().message)).toBe(
      "groq broke off; another one begins the answer anew.",
    );
    told.start(40, "m1", "main", 2);
    expect(told.run().message).toMatchObject({ attempt: 2, text: "" });
    told.text(50, "m1", "main", "A whole answer", 2);
    expect(told.run().message?.text).toBe("A whole answer");
    expect(failoverWords(failure, told.run().message)).toBe(
      "groq broke off; embedded begins the answer anew.",
    );
  });

  it("is followed by the only other member of its pool, before that is told", () => {
    const told = log();
    told.start(40, "m1", "main", 2);
    const message = told.run().message;
    if (message === null) throw new Error("there is no message");
    const pooled = { ...message, start: { ...message.start, endpoint: "pool/llama" } };
    expect(writerOf(pooled)).toBeNull();
    expect(failoverWords(failure, pooled)).toBe("groq broke off; another one begins the answer anew.");
    expect(failoverWords(failure, pooled, ["groq", "openrouter"])).toBe(
      "groq broke off; openrouter begins the answer anew.",
    );
    expect(failoverWords(failure, pooled, ["groq", "a", "b"])).toBe(
      "groq broke off; another one begins the answer anew.",
    );
  });

  it("leaves what was seen last to be shown, where nobody went on", () => {
    const told = log();
    told.start(40, "m1", "main", 2);
    expect(told.run().message).toMatchObject({ text: "", lost: "Half an ans" });
    // A third attempt that wrote nothing either loses nothing of it.
    told.start(50, "m1", "main", 3);
    expect(told.run().message?.lost).toBe("Half an ans");
    told.text(60, "m1", "main", "More", 3);
    told.start(70, "m1", "main", 4);
    expect(told.run().message?.lost).toBe("More");
  });

  it("may have been asked before the first token; then it is only named", () => {
    expect(triedWords([])).toBeNull();
    expect(
      triedWords([
        { endpoint: "groq", code: "endpoint_rate_limited" },
        { endpoint: "x", code: "odd" },
      ]),
    ).toBe("groq was busy, x failed (odd)");
  });
});
