import { describe, expect, it } from "vitest";
import { partColour, windowUse, windowWords } from "@/lib/context-window";
import type { ContextNote, TextMessageStart } from "@/lib/protocol";
import type { RunState } from "@/lib/run-state";
import { stateAt } from "@/lib/scrub";
import { freedTokens, leftOutWords, trimReason, trimWords } from "@/lib/trim-words";
import { Log } from "@/test/planned-events";

const start = (more: Partial<TextMessageStart>): TextMessageStart => ({
  type: "TEXT_MESSAGE_START",
  messageId: "m",
  attempt: 1,
  name: "manager",
  model: "m",
  endpoint: "e",
  role: "assistant",
  sections: [],
  ...more,
});

describe("what filled a window", () => {
  const use = windowUse(
    start({
      contextWindow: 1000,
      reserve: 250,
      sections: [
        { name: "task", tokens: 50 },
        { name: "memory", tokens: 30, ref: "m1" },
        { name: "role", tokens: 100 },
        { name: "oracle", tokens: 10 },
        { name: "memory", tokens: 20, ref: "m2" },
        { name: "history", tokens: 200 },
      ],
    }),
  );

  it("is one piece per kind of section, in the order of prompts, unknown kinds last", () => {
    expect(use.parts.map(({ name, tokens, sections }) => [name, tokens, sections])).toEqual([
      ["role", 100, 1],
      ["history", 200, 1],
      ["memory", 50, 2],
      ["task", 50, 1],
      ["oracle", 10, 1],
    ]);
    expect(use.parts.at(-1)?.label).toBe("Oracle");
    expect(partColour("oracle")).toBe("var(--part-other)");
  });

  it("comes to the whole window with the reserve and what is free", () => {
    expect(use).toMatchObject({ size: 1000, known: true, used: 410, reserve: 250, free: 340 });
    const shares = use.parts.reduce((sum, { share }) => sum + share, 0);
    expect(shares + (use.reserve + use.free) / use.size).toBeCloseTo(1);
  });

  it("is never more than the bar, though a prompt and its reserve be more than the window", () => {
    const full = windowUse(
      start({ contextWindow: 100, reserve: 30, sections: [{ name: "task", tokens: 90 }] }),
    );
    expect(full).toMatchObject({ size: 120, free: 0 });
    expect((full.parts[0]?.share ?? 0) + full.reserve / full.size).toBeCloseTo(1);
  });

  it("has nothing free where the window is not known", () => {
    const use = windowUse(start({ sections: [{ name: "task", tokens: 40 }] }));
    expect(use).toMatchObject({ known: false, used: 40, size: 40, free: 0 });
    expect(windowWords(use)).toContain("is not known");
  });

  it("can be read as a text: each piece, its tokens, its share", () => {
    expect(windowWords(use)).toBe(
      "410 of 1,000 tokens of the window. Role: 100 tokens, 10 %. Earlier turns: 200 tokens, 20 %. Memories: 50 tokens, " +
        "5 %. The task: 50 tokens, 5 %. Oracle: 10 tokens, 1 %. Kept for the answer: 250 tokens, 25 %. Free: 340 tokens, 34 %.",
    );
  });
});

const note = (rung: ContextNote["rung"], more: Partial<ContextNote> = {}): ContextNote => ({
  messageId: "m1",
  rung,
  ...more,
});

describe("what was left out", () => {
  const log = (): Log => {
    const log = new Log();
    log.add(0, { type: "RUN_STARTED", text: "Compare" });
    return log;
  };
  const rungs = (run: RunState): (string[] | undefined)[] => [
    run.messages.get("m1")?.trims.map(({ rung }) => rung),
  ];

  it("belongs to the prompt that it was told before, and not to the next attempt's", () => {
    const told = log();
    told.custom(10, "alma.context", note("duplicates"));
    told.custom(10, "alma.context", note("summary"));
    told.start(20, "m1", "main");
    expect(rungs(told.run())).toEqual([["duplicates", "summary"]]);
    expect(told.run().trims.size).toBe(0);
    const failed = { messageId: "m1", attempt: 1, error: { code: "cut", message: "Cut." } };
    told.custom(30, "alma.attempt_failed", failed);
    told.custom(40, "alma.context", note("results"));
    told.start(50, "m1", "main", 2);
    expect(rungs(told.run())).toEqual([["results"]]);
  });

  it("is kept beside the run where the prompt was never sent", () => {
    const told = log();
    told.custom(10, "alma.context", note("summary"));
    told.custom(10, "alma.context", note("refused"));
    expect(told.run().messages.size).toBe(0);
    expect(
      told
        .run()
        .trims.get("m1")
        ?.map(({ rung }) => rung),
    ).toEqual(["summary", "refused"]);
  });

  it("of several tasks is told apart, and is there when one looks back", () => {
    const told = log();
    told.custom(10, "alma.context", note("memories"), "1");
    told.custom(11, "alma.context", note("results", { messageId: "m2" }), "2");
    told.start(20, "m2", "2");
    told.start(30, "m1", "1");
    const run = told.run();
    expect(run.messages.get("m2")?.trims[0]?.rung).toBe("results");
    expect(run.messages.get("m1")?.trims[0]?.rung).toBe("memories");
    const before = stateAt(run, 1_025, 1_025);
    expect(before.messages.get("m2")?.trims).toHaveLength(1);
    expect(before.trims.get("m1")).toHaveLength(1);
  });

  it("is said in words", () => {
    expect(trimWords(note("duplicates", { refs: ["memory m1", "message 4"] }))).toBe(
      "1 memory and 1 message said twice",
    );
    expect(trimWords(note("memories", { refs: ["memory m1", "memory m2", "example 2"] }))).toBe(
      "2 memories and 1 example",
    );
    expect(
      trimWords(note("results", { refs: ["result 1", "result 2"], detail: "shortened in the middle" })),
    ).toBe("parts of 2 results");
    expect(trimWords(note("results", { refs: ["result 2"], detail: "had no room, even shortened" }))).toBe(
      "1 result",
    );
    expect(
      trimWords(note("results", { refs: ["calculator"], detail: "tools had no room beside the task" })),
    ).toBe("the tools calculator");
  });

  it("counts the turns that were not even looked at", () => {
    const gone = { refs: ["r1"], detail: "40 earlier turns left out; their summary stands for them" };
    expect(trimWords(note("summary", gone))).toBe("40 earlier turns (told in a summary)");
    expect(trimReason(note("summary", gone))).toBe("Their summary stands for them.");
    expect(trimWords(note("summary", { refs: ["r1"], detail: "the last turns had no room either" }))).toBe(
      "1 earlier turn",
    );
  });

  it("stands in one line under the answer", () => {
    expect(leftOutWords([])).toBeNull();
    expect(leftOutWords([], 3)).toBe("3 earlier turns");
    const trims = [
      note("memories", { refs: ["memory m1"], tokens: 20 }),
      note("summary", { refs: ["r1"], tokens: 300 }),
    ];
    expect(leftOutWords(trims, 1)).toBe("1 memory; 1 earlier turn");
    expect(freedTokens(trims)).toBe(320);
  });

  it("counts turns once, though they went in two steps, the summary with the last of them", () => {
    const first = note("summary", {
      refs: ["r1"],
      detail: "2 earlier turns left out; their summary stands for them",
    });
    const then = note("summary", { refs: ["r3"], detail: "the last turns had no room either" });
    expect(leftOutWords([first], 2)).toBe("2 earlier turns (told in a summary)");
    expect(leftOutWords([first, then], 3)).toBe("3 earlier turns");
  });
});
