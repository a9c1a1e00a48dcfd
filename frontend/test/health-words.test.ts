import { describe, expect, it } from "vitest";
import { countsOf, exampleOf, groupsOf, reportOf } from "@/lib/error-words";
import type { AlertRule, ErrorGroup } from "@/lib/health-api";
import {
  agoWords,
  exactSpan,
  firingOf,
  forWords,
  healthSummary,
  pastWords,
  rulesInOrder,
  ruleWords,
  silenceChoices,
  spanWords,
  standingOf,
  untilWords,
  untold,
  valueWords,
  worstFirst,
} from "@/lib/health-words";

const NOW = Date.parse("2026-11-26T22:30:00");
const SECOND = NOW / 1000;

const RULE: AlertRule = {
  name: "responses_slow",
  summary: "Answers take long",
  hint: "",
  severity: "warning",
  metric: "response_p95_ms",
  above: true,
  threshold: 120_000,
  clear: 90_000,
  forS: 300,
  windowS: 300,
  channels: ["page"],
  own: false,
  state: "ok",
  since: 0,
  now: null,
  silencedUntil: 0,
  silencedBy: "",
  silencedWhy: "",
  link: "",
  problem: "",
};

describe("times", () => {
  it("are told in the largest unit that they fill, or exactly", () => {
    expect([0, 1, 59, 60, 119, 3_600, 7_300, 86_400 * 3].map(spanWords)).toEqual([
      "0 seconds",
      "1 second",
      "59 seconds",
      "1 minute",
      "1 minute",
      "1 hour",
      "2 hours",
      "3 days",
    ]);
    expect([90, 300, 3_600].map(exactSpan)).toEqual(["90 seconds", "5 minutes", "1 hour"]);
  });

  it("are since when, and how long ago", () => {
    expect(forWords(SECOND - 200, NOW)).toBe("for 3 minutes");
    expect(forWords(SECOND + 5, NOW)).toBe("for 0 seconds");
    expect(forWords(0, NOW)).toBe("");
    expect(agoWords(SECOND - 20, NOW)).toBe("just now");
    expect(agoWords(SECOND - 7_300, NOW)).toBe("2 hours ago");
  });

  it("to come are as near as they are", () => {
    expect(untilWords(SECOND + 3_600, NOW)).toBe("23:30");
    expect(untilWords(SECOND + 8 * 3_600, NOW)).toBe("Fri 06:30");
    expect(untilWords(SECOND + 20 * 86_400, NOW)).toBe("16 Dec 22:30");
  });
});

describe("health", () => {
  const component = (name: string, status: "ok" | "degraded" | "down") => ({ name, status });

  it("is told in a sentence", () => {
    expect(healthSummary({ status: "ok", components: [component("a", "ok")] })).toBe("All is well.");
    const some = [component("a", "ok"), component("b", "degraded")];
    expect(healthSummary({ status: "degraded", components: some })).toBe(
      "Alma works, but 1 of 2 components is not well.",
    );
    const down = [component("a", "down"), component("b", "down"), component("c", "degraded")];
    expect(healthSummary({ status: "down", components: down })).toBe(
      "Alma is down: 2 of 3 components do not work.",
    );
  });

  it("shows the worst first", () => {
    const all = [
      component("a", "ok"),
      component("b", "down"),
      component("c", "degraded"),
      component("d", "ok"),
    ];
    expect(worstFirst(all).map(({ name }) => name)).toEqual(["b", "c", "a", "d"]);
  });

  it("counts what fires, unless it is silenced", () => {
    expect(standingOf("ok", [], NOW)).toBe("ok");
    expect(standingOf("ok", [{ severity: "info" }], NOW)).toBe("ok");
    expect(standingOf("ok", [{ severity: "warning" }], NOW)).toBe("degraded");
    expect(standingOf("degraded", [{ severity: "critical" }], NOW)).toBe("down");
    expect(standingOf("ok", [{ severity: "critical", silencedUntil: SECOND + 60 }], NOW)).toBe("ok");
    expect(standingOf("ok", [{ severity: "critical", silencedUntil: SECOND - 60 }], NOW)).toBe("down");
  });
});

describe("a rule", () => {
  it("says when it fires and when that ends", () => {
    expect(ruleWords(RULE)).toBe(
      "Fires when response p95 of the last 5 minutes is above 2 min for 5 minutes; ends at 90.0 s or less.",
    );
    expect(ruleWords({ ...RULE, metric: "runs_failed", threshold: 5, clear: 5, forS: 0, windowS: 0 })).toBe(
      "Fires when runs failed is above 5; ends when it no longer is.",
    );
    const check = {
      ...RULE,
      metric: "health.embedded_model",
      above: false,
      threshold: 1,
      clear: 1,
      forS: 180,
    };
    expect(ruleWords(check)).toBe(
      "Fires when embedded model has not been well for 3 minutes; ends when it is.",
    );
  });

  it("says how it stands", () => {
    expect(valueWords({ ...RULE, metric: "rss", threshold: 2048, now: 212 })).toBe(
      "212 MiB now, fires above 2 GiB",
    );
    expect(valueWords(RULE)).toBe("no value now, fires above 2 min");
    const check = { ...RULE, metric: "health.disk", above: false, threshold: 1 };
    expect([0, 1, null].map((now) => valueWords({ ...check, now }))).toEqual([
      "not well now",
      "well now",
      "not known",
    ]);
  });

  it("that fires comes first, the worst before the others", () => {
    const rules: AlertRule[] = [
      { ...RULE, name: "quiet" },
      { ...RULE, name: "soon", state: "pending" },
      { ...RULE, name: "bad", state: "firing" },
      { ...RULE, name: "worse", state: "firing", severity: "critical" },
    ];
    expect(rulesInOrder(rules).map(({ name }) => name)).toEqual(["worse", "bad", "soon", "quiet"]);
  });

  it("that is silenced does not count as firing", () => {
    const rules: AlertRule[] = [
      { ...RULE, name: "quiet" },
      { ...RULE, name: "hushed", state: "firing", silencedUntil: SECOND + 60 },
      { ...RULE, name: "loud", state: "firing", silencedUntil: SECOND - 60 },
    ];
    const { loud, silenced } = firingOf(rules, NOW);
    expect([loud, silenced].map((each) => each.map(({ name }) => name))).toEqual([["loud"], ["hushed"]]);
  });

  it("can be silenced until the morning", () => {
    const tomorrow = silenceChoices(NOW).find(({ label }) => label.startsWith("Until"));
    expect(tomorrow?.minutes).toBe(9.5 * 60);
  });

  it("has a past, with those whom it could not be told to", () => {
    const past = { id: "1", rule: "r", severity: "info", summary: "", value: 1, firedAt: 100 } as const;
    expect(pastWords({ ...past, endedAt: 760, told: {} })).toBe("over after 11 minutes");
    expect(pastWords({ ...past, endedAt: null, told: {} })).toBe("still fires");
    expect(untold({ ...past, endedAt: null, told: { page: "ok", mail: "No answer." } })).toEqual([
      "mail: No answer.",
    ]);
  });
});

describe("an error", () => {
  const group: ErrorGroup = {
    fingerprint: "f1",
    title: "It broke",
    place: "alma.tools.run",
    count: 3,
    firstAt: 1_000,
    lastAt: 2_000,
    state: "open",
    example: {
      message: "it broke at 7",
      traceback: "Traceback\n",
      runId: "r_1",
      context: { thread_id: "t_1", agent: "coder", nothing: null },
      tries: 2,
    },
  };

  it("has its example taken apart, whichever way it is spelled", () => {
    expect(exampleOf(group)).toEqual({
      message: "it broke at 7",
      traceback: "Traceback",
      runId: "r_1",
      threadId: "t_1",
      context: [
        ["agent", "coder"],
        ["tries", "2"],
      ],
    });
    expect(exampleOf({ ...group, example: {} })).toMatchObject({
      message: "It broke",
      traceback: "",
      runId: null,
    });
  });

  it("says when it was as a date, and takes no thread of the process for a chat", () => {
    const told = exampleOf({ ...group, example: { at: 1_795_679_476.5, os_thread: "MainThread" } });
    expect(told.threadId).toBeNull();
    expect(told.context).toEqual([
      ["at", "2026-11-26 07:51:16 UTC"],
      ["thread of the process", "MainThread"],
    ]);
    const words = exampleOf({ ...group, example: { at: "2026-11-26 07:51:16 UTC" } });
    expect(words.context).toEqual([["at", "2026-11-26 07:51:16 UTC"]]);
  });

  it("can be sent on as text", () => {
    const text = reportOf(group);
    for (const part of [
      "It broke (f1)",
      "3 times",
      "alma.tools.run",
      "run: r_1",
      "agent: coder",
      "Traceback",
    ])
      expect(text).toContain(part);
  });

  it("is listed by state, the newest first", () => {
    const others: ErrorGroup[] = [
      group,
      { ...group, fingerprint: "f2", lastAt: 9_000 },
      { ...group, state: "muted" },
    ];
    expect(groupsOf(others, "open").map(({ fingerprint }) => fingerprint)).toEqual(["f2", "f1"]);
    expect(groupsOf(others, "any")).toHaveLength(3);
    expect(countsOf(others)).toEqual({ open: 2, resolved: 0, muted: 1 });
  });
});
