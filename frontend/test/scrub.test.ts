import { describe, expect, it } from "vitest";
import { momentsOf, stateAt, stepFrom } from "@/lib/scrub";
import { Log, plannedLog, TEXT_1, TEXT_2 } from "@/test/planned-events";

const AT = 1_000;
const run = plannedLog().run();
const at = (ms: number) => stateAt(run, AT + ms, AT + 2_000);

describe("a run at a moment", () => {
  it("has only what had happened by then", () => {
    expect([...at(50).tasks.keys()]).toEqual(["main"]);
    expect([...at(100).tasks.keys()]).toEqual(["main", "1", "2", "3"]);
    expect(at(130).tasks.get("1")?.status).toBe("working");
    expect(at(520).tasks.get("1")?.status).toBe("completed");
    expect(at(519).tasks.get("1")?.status).toBe("working");
    expect(at(1_100).tasks.get("2")?.status).toBe("input_required");
    expect(at(1_400).questions.get("q1")?.answer).toBeNull();
  });

  it("is the run itself at its end", () => {
    const { messages, tasks, calls, questions, history } = at(9_999);
    expect(tasks).toEqual(run.tasks);
    expect(calls).toEqual(run.calls);
    expect(questions).toEqual(run.questions);
    expect(history).toEqual(run.history);
    for (const [id, message] of messages) expect(message.text).toBe(run.messages.get(id)?.text);
  });

  it("shows of an open message the share of its text that its time had come to", () => {
    expect(at(219).messages.get("m1")?.text).toBe("");
    const half = at(370).messages.get("m1");
    expect(half?.text).toBe([...TEXT_1].slice(0, 10).join(""));
    expect(half?.end).toBeNull();
    expect(at(520).messages.get("m1")?.text).toBe(TEXT_1);
  });

  it("never cuts a character in two", () => {
    for (let ms = 220; ms < 520; ms++) {
      const text = at(ms).messages.get("m1")?.text ?? "";
      expect(TEXT_1.startsWith(text)).toBe(true);
      expect(text.isWellFormed()).toBe(true);
    }
  });

  it("knows no text of an attempt that failed, and all of the one that went well", () => {
    expect(at(400).messages.get("m2")?.text).toBe("");
    expect(at(600).tasks.get("2")?.failures).toHaveLength(1);
    expect(at(660).messages.get("m2")?.attempt).toBe(2);
    expect(at(1_000).messages.get("m2")?.text).toBe(TEXT_2);
  });

  it("takes what has come of a message that is still open for its end", () => {
    const log = new Log();
    log.add(0, { type: "RUN_STARTED", text: "x" });
    log.start(100, "m", "main");
    log.text(200, "m", "main", "0123456789");
    const open = log.run();
    expect(stateAt(open, AT + 150, AT + 200).messages.get("m")?.text).toBe("01234");
    expect(stateAt(open, AT + 200, AT + 200).messages.get("m")?.text).toBe("0123456789");
  });

  it("is quick for a hundred tasks", () => {
    const log = new Log();
    log.add(0, { type: "RUN_STARTED", text: "x" });
    const tasks = Array.from({ length: 100 }, (_, id) => ({ id: `${id + 1}`, role: "a", goal: "x" }));
    log.custom(1, "alma.plan", { plan: { tasks, source: "model" } });
    const text = "word ".repeat(200);
    for (const { id } of tasks) {
      log.start(10, `m${id}`, id);
      log.text(20, `m${id}`, id, text);
      log.end(1_000, `m${id}`, id, text.length, 50);
    }
    const large = log.run();
    stateAt(large, AT + 500, AT + 1_000);
    const began = performance.now();
    for (let ms = 0; ms < 1_000; ms += 10) stateAt(large, AT + ms, AT + 1_000);
    expect((performance.now() - began) / 100).toBeLessThan(16);
  });
});

describe("the playhead", () => {
  it("steps from entry to entry", () => {
    const moments = momentsOf(run);
    expect(moments.slice(0, 4)).toEqual([AT, AT + 100, AT + 120, AT + 200]);
    expect(stepFrom(moments, AT + 110, 1)).toBe(AT + 120);
    expect(stepFrom(moments, AT + 120, -1)).toBe(AT + 100);
    expect(stepFrom(moments, AT, -1)).toBeNull();
  });
});
