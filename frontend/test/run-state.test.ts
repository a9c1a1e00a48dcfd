import { describe, expect, it } from "vitest";
import { codePoints, continuation } from "@/lib/message-state";
import type { ServerEvent } from "@/lib/protocol";
import { parseFrame } from "@/lib/protocol";
import { cursorsOf, emptyThread, reduce, reduceAll, type ThreadState } from "@/lib/run-state";

const AT = { threadId: "t", runId: "r" } as const;
const started = (runId = "r", parentRunId?: string): ServerEvent => ({
  type: "RUN_STARTED",
  threadId: "t",
  runId,
  seq: 1,
  text: "Ask",
  ...(parentRunId === undefined ? {} : { parentRunId }),
});
const opened = (seq: number, attempt = 1): ServerEvent => ({
  type: "TEXT_MESSAGE_START",
  ...AT,
  seq,
  messageId: "r.main",
  attempt,
  name: "manager",
  model: "m",
  endpoint: "e",
  sections: [],
});
const delta = (text: string, n: number, attempt = 1): ServerEvent => ({
  type: "TEXT_MESSAGE_CONTENT",
  ...AT,
  messageId: "r.main",
  attempt,
  n,
  delta: text,
});
const reasoning = (text: string, n: number): ServerEvent => ({
  type: "REASONING_MESSAGE_CONTENT",
  ...AT,
  messageId: "r.main",
  attempt: 1,
  n,
  delta: text,
});
const ended = (seq: number, n: number, attempt = 1): ServerEvent => ({
  type: "TEXT_MESSAGE_END",
  ...AT,
  seq,
  messageId: "r.main",
  attempt,
  n,
  finishReason: "stop",
  usage: {},
  timing: {},
});
const live: ServerEvent = { type: "CUSTOM", name: "alma.live", threadId: "t", value: {} };

function fold(...events: ServerEvent[]): ThreadState {
  return reduceAll(emptyThread("t"), events, 1000);
}
const textOf = (state: ThreadState): string | undefined => state.runs.get("r")?.message?.text;

describe("text", () => {
  it("is the deltas, joined", () => {
    const state = fold(started(), opened(2), delta("Rain", 4), delta(" falls", 10), ended(3, 10));
    expect(textOf(state)).toBe("Rain falls");
    expect(state.gap).toBe(false);
    expect(state.runs.get("r")?.seq).toBe(3);
  });

  it("counts code points, as the server does", () => {
    expect(codePoints("a🌈é")).toBe(3);
    expect(codePoints("👩‍🔬")).toBe(3);
    expect(codePoints("\ud83c")).toBe(1);
    const state = fold(started(), opened(2), delta("🌈", 1), delta(" over 🏠", 8), ended(3, 8));
    expect(textOf(state)).toBe("🌈 over 🏠");
    expect(state.gap).toBe(false);
  });

  it("ignores what it has", () => {
    const state = fold(
      started(),
      opened(2),
      delta("Rain", 4),
      delta("Rain", 4),
      delta("in", 4),
      delta("!", 5),
    );
    expect(textOf(state)).toBe("Rain!");
    expect(state.gap).toBe(false);
  });

  it("takes only the new part of a delta that overlaps", () => {
    expect(continuation(2, 4, "R🌈in")).toBe("in");
    expect(textOf(fold(started(), opened(2), delta("R🌈", 2), delta("R🌈in", 4)))).toBe("R🌈in");
  });

  it("flags a gap and does not guess", () => {
    const state = fold(started(), opened(2), delta("Rain", 4), delta("later", 20));
    expect(textOf(state)).toBe("Rain");
    expect(state.gap).toBe(true);
  });

  it("is not finished while some of it is missing", () => {
    const state = fold(started(), opened(2), delta("Rain", 4), ended(3, 10));
    expect(state.gap).toBe(true);
    expect(state.runs.get("r")?.seq).toBe(2);
    const mended = reduceAll(state, [delta(" falls", 10), ended(3, 10), live], 1000);
    expect(textOf(mended)).toBe("Rain falls");
    expect(mended.gap).toBe(false);
  });

  it("keeps reasoning apart", () => {
    const state = fold(started(), opened(2), reasoning("Hm", 2), delta("Rain", 4), reasoning("m", 3));
    expect(state.runs.get("r")?.message).toMatchObject({
      text: "Rain",
      reasoning: "Hmm",
      n: 4,
      reasoningN: 3,
    });
  });
});

describe("attempts", () => {
  it("a higher attempt replaces the text", () => {
    const state = fold(started(), opened(2), delta("Rain", 4), opened(3, 2), delta("Snow", 4, 2));
    expect(textOf(state)).toBe("Snow");
    expect(state.gap).toBe(false);
  });

  it("what is left of a lower attempt is ignored", () => {
    const state = fold(started(), opened(2), opened(3, 2), delta("Rain", 4, 1), delta("Snow", 4, 2));
    expect(textOf(state)).toBe("Snow");
    expect(state.gap).toBe(false);
  });

  it("a delta of an attempt that we have not seen begin is a gap", () => {
    expect(fold(started(), opened(2), delta("Snow", 4, 2)).gap).toBe(true);
  });
});

describe("entries", () => {
  it("are taken once, in order", () => {
    const state = fold(started(), opened(2), delta("Rain", 4), opened(2));
    expect(textOf(state)).toBe("Rain");
    expect(fold(started(), opened(3)).gap).toBe(true);
  });

  it("of unknown kinds count and change nothing", () => {
    const unknown = parseFrame('{"type":"STATE_SNAPSHOT","threadId":"t","runId":"r","seq":2}');
    const custom = parseFrame(
      '{"type":"CUSTOM","name":"alma.novelty","value":{},"threadId":"t","runId":"r","seq":3}',
    );
    if (unknown === null || custom === null) throw new Error("an event was dropped");
    const state = fold(started(), unknown, custom, opened(4), delta("Rain", 4));
    expect(textOf(state)).toBe("Rain");
    expect(state.gap).toBe(false);
  });

  it("of runs that were not sent are no gap while the thread loads, and one when it is whole", () => {
    expect(fold(opened(2)).gap).toBe(false);
    expect(fold(live, opened(2)).gap).toBe(true);
    expect(fold({ ...live, value: { older: 3 } } as ServerEvent, opened(2)).gap).toBe(false);
  });

  it("end the run as the server says", () => {
    const finished: ServerEvent = { type: "RUN_FINISHED", ...AT, seq: 2, outcome: {}, status: "canceled" };
    expect(fold(started(), finished).runs.get("r")?.status).toBe("canceled");
    const failed: ServerEvent = { type: "RUN_ERROR", ...AT, seq: 2, code: "internal", message: "A bug." };
    expect(fold(started(), failed).runs.get("r")).toMatchObject({
      status: "failed",
      error: { code: "internal" },
    });
  });
});

describe("identity", () => {
  it("nothing new gives the same state, and other runs keep theirs", () => {
    const state = fold(started(), opened(2), delta("Rain", 4), started("s", "r"));
    expect(reduce(state, delta("Rain", 4))).toBe(state);
    const next = reduce(state, delta("!", 5));
    expect(next.runs.get("s")).toBe(state.runs.get("s"));
    expect(next.tree).toBe(state.tree);
  });
});

describe("cursors", () => {
  it("say how far an open message is, and only the seq of a closed one", () => {
    const open = fold(started(), opened(2), delta("R🌈", 2), reasoning("Hm", 2));
    expect(cursorsOf(open)).toEqual({
      r: { seq: 2, messages: { "r.main": { attempt: 1, n: 2, reasoningN: 2 } } },
    });
    expect(cursorsOf(fold(started(), opened(2), delta("Rain", 4), ended(3, 4)))).toEqual({ r: { seq: 3 } });
  });
});
