/** Budgets that are used up, or nearly so, in words. Pure. */

import { count, money, plural, shortDuration } from "@/lib/format";
import type { Budget } from "@/lib/protocol";

export type BudgetScope = NonNullable<Budget["scope"]>;
/** Where a budget holds that a person can set; a task's comes with its plan. */
export type SpendScope = Exclude<BudgetScope, "task">;

/** What a budget holds for, as it stands in a sentence: “… for this chat”. */
const WHOSE: Readonly<Record<BudgetScope, string>> = {
  task: "this task",
  run: "this run",
  thread: "this chat",
  owner: "all your chats",
  day: "today",
};

/** The way out of a budget that is used up, the same wherever it is offered. */
export const RAISE = "Raise the budget";

/** An amount of what a budget counts. */
export function amount(what: Budget["what"], value: number): string {
  switch (what) {
    case "tokens":
      return plural(value, "token");
    case "seconds":
      return value >= 60 && value % 60 === 0 ? span(value / 60) : shortDuration(value * 1000);
    case "money":
      return money(value);
    case "tool_calls":
      return `${count(value)} ${value === 1 ? "tool call" : "tool calls"}`;
  }
}

/** Whole minutes. */
function span(minutes: number): string {
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? "" : ` ${minutes % 60} min`}`;
}

/** `20,412 of 20,000`: the unit stands before it. */
function usedOf(what: Budget["what"], used: number, limit: number): string {
  if (what === "tokens" || what === "tool_calls") return `${count(used)} of ${count(limit)}`;
  return `${amount(what, used)} of ${amount(what, limit)}`;
}

const WHAT: Readonly<Record<Budget["what"], string>> = {
  tokens: "tokens",
  seconds: "time",
  money: "money",
  tool_calls: "tool calls",
};

/** A sentence for the conversation: “The tokens for this chat are used up: 20,412 of 20,000.” */
export function budgetSentence({ what, limit, used, warning = false, scope = "task" }: Budget): string {
  const whose = `for ${WHOSE[scope]}`;
  const figures = usedOf(what, used, limit);
  const are = what === "tokens" || what === "tool_calls" ? "are" : "is";
  if (warning) return `Most of the ${WHAT[what]} ${whose} ${are} used: ${figures}.`;
  return `The ${WHAT[what]} ${whose} ${are} used up: ${figures}.`;
}

/** Of what was reached in a run the last word on each budget: a stop takes the place of its warning. */
export function lastWords(reached: readonly Budget[]): Budget[] {
  const last = new Map<string, Budget>();
  for (const budget of reached) {
    const key = `${budget.scope ?? "task"} ${budget.what}`;
    last.delete(key);
    last.set(key, budget);
  }
  return [...last.values()];
}
