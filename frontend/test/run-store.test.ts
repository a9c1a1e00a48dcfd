import { describe, expect, it } from "vitest";
import type { ServerEvent } from "@/lib/protocol";
import { ThreadStore } from "@/lib/run-store";

const started: ServerEvent = { type: "RUN_STARTED", threadId: "t", runId: "r", seq: 1, text: "Ask" };

function storeWithManualFrames() {
  const frames: (() => void)[] = [];
  const gaps: string[] = [];
  const store = new ThreadStore("t", {
    schedule: (flush) => frames.push(flush),
    now: () => 1,
    onGap: (threadId) => gaps.push(threadId),
  });
  let notified = 0;
  store.subscribe(() => notified++);
  return {
    store,
    gaps,
    frame: () => frames.shift()?.(),
    waiting: () => frames.length,
    notified: () => notified,
  };
}

describe("a thread's store", () => {
  it("tells its listeners once per frame, however many events came", () => {
    const { store, frame, waiting, notified } = storeWithManualFrames();
    store.push(started);
    store.push({
      type: "TEXT_MESSAGE_START",
      threadId: "t",
      runId: "r",
      seq: 2,
      messageId: "m",
      attempt: 1,
      name: "manager",
      model: "m",
      endpoint: "e",
      sections: [],
    });
    for (let n = 1; n <= 100; n++) {
      store.push({
        type: "TEXT_MESSAGE_CONTENT",
        threadId: "t",
        runId: "r",
        messageId: "m",
        attempt: 1,
        n,
        delta: "x",
      });
    }
    expect([waiting(), notified()]).toEqual([1, 0]);
    frame();
    expect(notified()).toBe(1);
    expect(store.get().runs.get("r")?.message?.text).toHaveLength(100);
  });

  it("counts what has arrived and is not yet shown when it is asked for cursors", () => {
    const { store, notified } = storeWithManualFrames();
    store.push(started);
    expect(store.cursors()).toEqual({ r: { seq: 1 } });
    expect(notified()).toBe(1);
  });

  it("says nothing when nothing changed", () => {
    const { store, frame, notified } = storeWithManualFrames();
    store.push(started);
    frame();
    store.push(started);
    frame();
    expect(notified()).toBe(1);
  });

  it("reports a gap to its owner", () => {
    const { store, frame, gaps } = storeWithManualFrames();
    store.push(started);
    store.push({ type: "RUN_FINISHED", threadId: "t", runId: "r", seq: 7, outcome: {}, status: "completed" });
    frame();
    expect(gaps).toEqual(["t"]);
  });
});
