import { describe, expect, it } from "vitest";
import type { ScopeSpend, Spend } from "@/lib/api";
import { budgetLimits, isRaised, learnLimits } from "@/lib/budget-limits";
import type { Budget } from "@/lib/protocol";
import { plannedLog } from "./planned-events";

const of = (limit: number) => ({ used: 293, limit });
const spend = (...scopes: ScopeSpend[]): Spend => ({ scopes }) as unknown as Spend;
const scope = (name: ScopeSpend["scope"], tokens: number): ScopeSpend => ({
  scope: name,
  tokens: of(tokens),
  seconds: of(0),
  money: of(0),
});
const reached = (name: Budget["scope"]): Budget => ({ what: "tokens", limit: 300, used: 293, scope: name });

describe("a budget that was reached", () => {
  it("has been raised where its limit is higher now, or gone", () => {
    learnLimits(spend(scope("day", 300), scope("thread", 900), scope("owner", 0)), "t1");
    expect(isRaised(budgetLimits.get(), reached("day"), "t1")).toBe(false);
    expect(isRaised(budgetLimits.get(), reached("thread"), "t1")).toBe(true);
    expect(isRaised(budgetLimits.get(), reached("owner"), "t1")).toBe(true);
  });

  it("of another chat, or of which nothing is known, has not", () => {
    learnLimits(spend(scope("thread", 900)), "t1");
    expect(isRaised(budgetLimits.get(), reached("thread"), "t2")).toBe(false);
    expect(isRaised(budgetLimits.get(), reached("task"), "t1")).toBe(false);
  });
});

describe("a task whose answer was cut at its length limit", () => {
  it("is marked, until an answer that is whole takes its place", () => {
    const log = plannedLog();
    const end = (messageId: string, finishReason: "length" | "stop"): void => {
      log.start(2_000, messageId, "3");
      log.text(2_010, messageId, "3", "So");
      const usage = { input_tokens: 20, output_tokens: 5 };
      const timing = { first_token_ms: 5, total_ms: 40 };
      log.add(
        2_020,
        { type: "TEXT_MESSAGE_END", messageId, attempt: 1, n: 2, finishReason, usage, timing },
        "3",
      );
    };
    end("m8", "length");
    expect(log.run().tasks.get("3")?.cut).toBe(true);
    end("m9", "stop");
    expect(log.run().tasks.get("3")?.cut).toBe(false);
  });
});
