import { describe, expect, it } from "vitest";
import { agentColour } from "@/lib/agent-colour";
import { isOpen } from "@/lib/message-state";
import type { Custom, PlanTask, ServerEvent } from "@/lib/protocol";
import { cursorsOf, emptyThread, type RunState, reduceAll, type ThreadState } from "@/lib/run-state";
import { compareTaskIds, depthOf, parentOf, spentBy } from "@/lib/task-state";

type Body = Record<string, unknown> & { type: ServerEvent["type"] };

/** A run as the server tells it: entries get their `seq`, one second apart. */
function teller() {
  let seq = 0;
  const entry = (body: Body, task = ""): ServerEvent => {
    seq++;
    const of = task === "" ? {} : { subagentRunId: task };
    return {
      threadId: "t",
      runId: "r",
      seq,
      timestamp: seq * 1000,
      ...of,
      ...body,
    } as unknown as ServerEvent;
  };
  const say = (name: Custom["name"], value: object, task = ""): ServerEvent =>
    entry({ type: "CUSTOM", name, value }, task);
  return {
    entry,
    say,
    run: (more: object = {}) => entry({ type: "RUN_STARTED", text: "Compare", ...more }),
    plan: (tasks: PlanTask[], needsApproval = false, task = "") =>
      say("alma.plan", { plan: { tasks, source: "pattern" }, needsApproval }, task),
    begins: (task: string, role = "analyst", more: object = {}) =>
      entry({ type: "SUBAGENT_STARTED", name: role, model: "m", ...more }, task),
    writes: (task: string, messageId: string, step = "answer", attempt = 1) =>
      entry(
        {
          type: "TEXT_MESSAGE_START",
          messageId,
          attempt,
          step,
          name: "analyst",
          model: "m",
          endpoint: "e",
          sections: [],
        },
        task,
      ),
    wrote: (task: string, messageId: string, n: number, step = "answer") =>
      entry(
        {
          type: "TEXT_MESSAGE_END",
          messageId,
          attempt: 1,
          n,
          step,
          finishReason: "stop",
          usage: { input_tokens: 10, output_tokens: 5 },
          timing: {},
        },
        task,
      ),
    finishes: (task: string, more: object = {}) =>
      entry({ type: "SUBAGENT_FINISHED", outcome: {}, status: "completed", ...more }, task),
  };
}

const delta = (messageId: string, text: string, n: number, task = ""): ServerEvent => ({
  type: "TEXT_MESSAGE_CONTENT",
  threadId: "t",
  runId: "r",
  messageId,
  attempt: 1,
  n,
  delta: text,
  ...(task === "" ? {} : { subagentRunId: task }),
});
const task = (id: string, more: Partial<PlanTask> = {}): PlanTask => ({
  id,
  role: "analyst",
  goal: `Goal ${id}`,
  ...more,
});

function fold(...events: ServerEvent[]): ThreadState {
  return reduceAll(emptyThread("t"), events, 1000);
}
function runOf(state: ThreadState): RunState {
  const run = state.runs.get("r");
  if (run === undefined) throw new Error("there is no run");
  return run;
}
const told = (...events: ServerEvent[]): RunState => runOf(fold(...events));

describe("a plan", () => {
  it("makes its tasks known before they begin", () => {
    const t = teller();
    const run = told(t.run(), t.plan([task("1", { tokens: 400 }), task("2", { depends_on: ["1"] })]));
    expect([...run.tasks.keys()]).toEqual(["main", "1", "2"]);
    expect(run.tasks.get("1")).toMatchObject({
      parentId: "main",
      status: "submitted",
      role: "analyst",
      startedAt: null,
      budget: { tokens: 400, seconds: 0 },
    });
    expect(run.tasks.get("main")?.plan).toMatchObject({ needsApproval: false, decided: null });
  });

  it("waits for the user's word, and their tasks take the place of the first ones", () => {
    const t = teller();
    const asked = fold(t.run({ approve: true }), t.plan([task("1"), task("2")], true));
    expect(runOf(asked).approve).toBe(true);
    expect(runOf(asked).tasks.get("main")?.status).toBe("input_required");
    const own = [task("3", { goal: "Only this" })];
    const run = runOf(reduceAll(asked, [t.say("alma.plan_decided", { approved: true, tasks: own })], 0));
    expect([...run.tasks.keys()]).toEqual(["main", "3"]);
    expect(run.tasks.get("main")).toMatchObject({ status: "working", plan: { decided: true } });
    expect(run.tasks.get("main")?.plan?.plan.tasks).toEqual(own);
  });

  it("approved as it was keeps its tasks; turned down it has none", () => {
    const t = teller();
    const asked = fold(t.run(), t.plan([task("1")], true));
    const decided = (approved: boolean) => {
      const u = teller();
      u.run();
      u.run();
      return runOf(reduceAll(asked, [u.say("alma.plan_decided", { approved })], 0)).tasks;
    };
    expect([...decided(true).keys()]).toEqual(["main", "1"]);
    expect([...decided(false).keys()]).toEqual(["main"]);
    expect(decided(false).get("main")?.plan?.decided).toBe(false);
  });

  it("is amended: tasks are added, cancelled, and replaced for those that wait", () => {
    const t = teller();
    const run = told(
      t.run(),
      t.plan([task("1"), task("2"), task("3", { depends_on: ["1", "2"] })]),
      t.begins("1"),
      t.finishes("1"),
      t.say("alma.plan_amended", {
        add: [task("4", { depends_on: ["1"] })],
        replace: { "1": "4" },
        cancel: ["2"],
        reason: "The critic sent task 1 back.",
      }),
    );
    expect(run.tasks.get("1")).toMatchObject({ status: "completed", replacedBy: "4" });
    expect(run.tasks.get("2")).toMatchObject({ status: "canceled", endedAt: 5000 });
    expect(run.tasks.get("3")?.spec?.depends_on).toEqual(["4", "2"]);
    expect(run.tasks.get("4")?.spec?.depends_on).toEqual(["1"]);
    const plan = run.tasks.get("main")?.plan;
    expect(plan?.plan.tasks).toHaveLength(4);
    expect(plan?.amendments).toHaveLength(1);
  });

  it("may be made by any task, for its own children", () => {
    const t = teller();
    const run = told(t.run(), t.plan([task("2")]), t.begins("2"), t.plan([task("2.1")], false, "2"));
    expect(run.tasks.get("2.1")?.parentId).toBe("2");
    expect(run.tasks.get("2")?.plan?.plan.tasks).toHaveLength(1);
    expect([parentOf("2.1"), parentOf("2"), parentOf("main")]).toEqual(["2", "main", null]);
    expect([depthOf("main"), depthOf("2"), depthOf("2.1")]).toEqual([0, 1, 2]);
    expect(["10", "2.1", "main", "2"].sort(compareTaskIds)).toEqual(["main", "2", "2.1", "10"]);
  });
});

describe("messages", () => {
  it("of several tasks grow side by side, and none is the answer but main's", () => {
    const t = teller();
    const state = fold(
      t.run(),
      t.plan([task("1"), task("2")]),
      t.begins("1"),
      t.begins("2"),
      t.writes("1", "r.1"),
      t.writes("2", "r.2"),
      delta("r.1", "Gas", 3, "1"),
      delta("r.2", "Heat", 4, "2"),
      delta("r.1", " burns", 9, "1"),
    );
    const run = runOf(state);
    expect(state.gap).toBe(false);
    expect([run.messages.get("r.1")?.text, run.messages.get("r.2")?.text]).toEqual(["Gas burns", "Heat"]);
    expect(run.messages.get("r.1")).toMatchObject({ taskId: "1", step: "answer", startedAt: 5000 });
    expect(run.message).toBeNull();
    expect(cursorsOf(state)).toEqual({
      r: { seq: 6, messages: { "r.1": { attempt: 1, n: 9 }, "r.2": { attempt: 1, n: 4 } } },
    });
  });

  it("that decide are not the answer; the one after the tools is", () => {
    const t = teller();
    const run = told(
      t.run(),
      t.writes("", "r.main.decide", "decide"),
      delta("r.main.decide", "{}", 2),
      t.wrote("", "r.main.decide", 2, "decide"),
      t.writes("", "r.main"),
      delta("r.main", "Let me count", 12),
      t.wrote("", "r.main", 12),
      t.writes("", "r.main.answer.2", "answer.2"),
      delta("r.main.answer.2", "Four", 4),
    );
    expect(run.message).toBe(run.messages.get("r.main.answer.2"));
    expect(run.message?.text).toBe("Four");
    expect(run.tasks.get("main")?.messages).toEqual(["r.main.decide", "r.main", "r.main.answer.2"]);
  });

  it("count into the tokens of their task, and of those above it", () => {
    const t = teller();
    const run = told(
      t.run(),
      t.plan([task("1")]),
      t.begins("1"),
      t.writes("1", "r.1"),
      t.wrote("1", "r.1", 0),
      t.plan([task("1.1")], false, "1"),
      t.begins("1.1"),
      t.writes("1.1", "r.1.1"),
      t.wrote("1.1", "r.1.1", 0),
    );
    expect(run.tasks.get("1")?.usedTokens).toBe(15);
    expect([spentBy(run.tasks, "1"), spentBy(run.tasks, "main"), spentBy(run.tasks, "1.1")]).toEqual([
      30, 30, 15,
    ]);
  });

  it("whose attempt failed are no longer open, until the next one begins", () => {
    const t = teller();
    const failed = fold(
      t.run(),
      t.plan([task("1")]),
      t.begins("1"),
      t.writes("1", "r.1"),
      delta("r.1", "Ga", 2, "1"),
      t.say(
        "alma.attempt_failed",
        { messageId: "r.1", attempt: 1, retryInMs: 500, error: { code: "x", message: "X" } },
        "1",
      ),
    );
    const message = runOf(failed).messages.get("r.1");
    expect(message && isOpen(message)).toBe(false);
    expect(cursorsOf(failed)).toEqual({ r: { seq: 5 } });
    expect(runOf(failed).failures).toEqual([]);
    const again = runOf(reduceAll(failed, [t.writes("1", "r.1", "answer", 2)], 0));
    expect(again.messages.get("r.1")).toMatchObject({ attempt: 2, text: "", endedAt: null });
    expect(again.tasks.get("1")?.messages).toEqual(["r.1"]);
  });
});

describe("a task", () => {
  it("goes to another role after its last failure, and completes", () => {
    const t = teller();
    const run = told(
      t.run(),
      t.plan([task("1", { role: "researcher" })]),
      t.begins("1", "researcher"),
      t.say(
        "alma.attempt_failed",
        { messageId: "r.1", attempt: 2, toRole: "writer", error: { code: "x", message: "X" } },
        "1",
      ),
      t.begins("1", "writer", { assignment: 2, tokens: 900 }),
      t.finishes("1", { messageId: "r.1@2" }),
    );
    expect(run.tasks.get("1")).toMatchObject({
      role: "writer",
      assignment: 2,
      status: "completed",
      startedAt: 3000,
      endedAt: 6000,
      resultMessage: "r.1@2",
      budget: { tokens: 900 },
    });
    expect(run.tasks.get("1")?.failures).toHaveLength(1);
    expect(run.tasks.get("1")?.spec?.role).toBe("researcher");
  });

  it("fails with its error, and the run goes on", () => {
    const t = teller();
    const error = { code: "endpoint_unreachable", message: "It cannot be reached." };
    const run = told(
      t.run(),
      t.plan([task("1")]),
      t.begins("1"),
      t.entry({ type: "SUBAGENT_ERROR", status: "failed", ...error }, "1"),
    );
    expect(run.tasks.get("1")).toMatchObject({ status: "failed", error });
    expect(run.status).toBe("working");
  });

  it("is stopped with all below it, and alone", () => {
    const t = teller();
    const run = told(
      t.run(),
      t.plan([task("1"), task("2")]),
      t.begins("2"),
      t.plan([task("2.1")], false, "2"),
      t.say("alma.stop_requested", {}, "2"),
    );
    const stopping = [...run.tasks.values()].filter((each) => each.stopping).map(({ id }) => id);
    expect(stopping).toEqual(["2", "2.1"]);
    expect(run.stopping).toBe(false);
  });

  it("that the end of the run finds unfinished was canceled", () => {
    const t = teller();
    const run = told(
      t.run(),
      t.plan([task("1")]),
      t.begins("1"),
      t.say("alma.stop_requested", {}),
      t.entry({ type: "RUN_FINISHED", outcome: {}, status: "canceled" }),
    );
    expect(run.tasks.get("1")).toMatchObject({ status: "canceled", stopping: false, endedAt: 5000 });
    expect(run).toMatchObject({ status: "canceled", stopping: false });
  });

  it("is taken over in a fork", () => {
    const t = teller();
    const run = told(
      t.run({ fork: { run_id: "q", task_id: "2", role: "critic" } }),
      t.plan([task("1"), task("2")]),
      t.say("alma.task_reused", { fromRunId: "q", role: "analyst", text: "Gas.", status: "completed" }, "1"),
    );
    expect(run.fork).toMatchObject({ run_id: "q", task_id: "2" });
    expect(run.tasks.get("1")).toMatchObject({
      status: "completed",
      result: "Gas.",
      reused: { fromRunId: "q" },
    });
  });

  it("keeps what its budget said", () => {
    const t = teller();
    const reached = { what: "tokens", limit: 100, used: 80, warning: true };
    const run = told(t.run(), t.plan([task("1")]), t.begins("1"), t.say("alma.budget", reached, "1"));
    expect(run.tasks.get("1")?.budget.reached).toEqual([reached]);
  });
});

describe("what waits for the user", () => {
  it("a question, until it is answered", () => {
    const t = teller();
    const asked = fold(
      t.run(),
      t.plan([task("1")]),
      t.begins("1"),
      t.say("alma.question", { questionId: "q1", text: "Which house?", options: ["Old", "New"] }, "1"),
    );
    expect(runOf(asked).tasks.get("1")).toMatchObject({ status: "input_required", openQuestion: "q1" });
    const run = runOf(
      reduceAll(asked, [t.say("alma.question_answered", { questionId: "q1", text: "Old" }, "1")], 0),
    );
    expect(run.tasks.get("1")).toMatchObject({ status: "working", openQuestion: null });
    expect(run.questions.get("q1")).toMatchObject({ taskId: "1", answer: "Old", options: ["Old", "New"] });
  });

  it("a tool call that needs approval, until it is decided", () => {
    const t = teller();
    const call = {
      toolCallId: "1#1",
      toolCallName: "read_page",
      arguments: '{"url":"x"}',
      needsApproval: true,
    };
    const asked = fold(t.run(), t.begins("1"), t.entry({ type: "TOOL_CALL_START", ...call }, "1"));
    expect(runOf(asked).tasks.get("1")).toMatchObject({ status: "input_required", calls: ["1#1"] });
    const run = runOf(
      reduceAll(
        asked,
        [
          t.say("alma.tool_decided", { toolCallId: "1#1", approved: true }, "1"),
          t.entry(
            {
              type: "TOOL_CALL_RESULT",
              toolCallId: "1#1",
              messageId: "m",
              ok: true,
              content: "Page",
              ms: 12,
            },
            "1",
          ),
        ],
        0,
      ),
    );
    expect(run.tasks.get("1")?.status).toBe("working");
    expect(run.calls.get("1#1")).toMatchObject({
      taskId: "1",
      decided: true,
      result: { ok: true, content: "Page", ms: 12, leftOut: 0 },
      endedAt: 5000,
    });
  });
});

describe("a run", () => {
  it("keeps what agents say to one another, and the newest of each board key", () => {
    const t = teller();
    const run = told(
      t.run(),
      t.begins("1"),
      t.say(
        "alma.message",
        { sender: "analyst", recipient: "team", kind: "inform", text: "Gas is 11 ct" },
        "1",
      ),
      t.say("alma.board", { key: "price", version: 1, text: "11" }, "1"),
      t.say("alma.board", { key: "price", version: 2, text: "12" }, "1"),
    );
    expect(run.mail).toEqual([
      {
        seq: 3,
        at: 3000,
        taskId: "1",
        sender: "analyst",
        recipient: "team",
        kind: "inform",
        text: "Gas is 11 ct",
        refs: [],
      },
    ]);
    expect(run.board.get("price")).toMatchObject({ version: 2, text: "12", taskId: "1" });
  });

  it("is paused and goes on", () => {
    const t = teller();
    const paused = fold(t.run(), t.say("alma.paused", {}));
    expect(runOf(paused).paused).toBe(true);
    expect(runOf(reduceAll(paused, [t.say("alma.resumed", {})], 0)).paused).toBe(false);
  });

  it("has every entry in its history and no delta", () => {
    const t = teller();
    const run = told(t.run(), t.begins("1"), t.writes("1", "r.1"), delta("r.1", "Gas", 3, "1"));
    expect(run.history.map(({ seq, event }) => [seq, event.type])).toEqual([
      [1, "RUN_STARTED"],
      [2, "SUBAGENT_STARTED"],
      [3, "TEXT_MESSAGE_START"],
    ]);
  });

  it("changes nothing of what a delta does not touch", () => {
    const t = teller();
    const before = fold(t.run(), t.begins("1"), t.writes("1", "r.1"), t.writes("2", "r.2"));
    const after = reduceAll(before, [delta("r.1", "Gas", 3, "1")], 0);
    expect(runOf(after).tasks).toBe(runOf(before).tasks);
    expect(runOf(after).history).toBe(runOf(before).history);
    expect(runOf(after).messages.get("r.2")).toBe(runOf(before).messages.get("r.2"));
    expect(runOf(before).messages.get("r.1")?.text).toBe("");
  });

  it("takes a second of twenty streams in a few milliseconds", () => {
    const t = teller();
    const streams = Array.from({ length: 20 }, (_, at) => `${at + 1}`);
    let state = fold(t.run(), ...streams.flatMap((id) => [t.begins(id), t.writes(id, `r.${id}`)]));
    const began = performance.now();
    for (let frame = 0, n = 0; frame < 60; frame++) {
      const events = streams.map((id) => delta(`r.${id}`, "word ", (n + 1) * 5, id));
      n++;
      state = reduceAll(state, events, frame);
    }
    expect(performance.now() - began).toBeLessThan(100);
    expect(runOf(state).messages.get("r.20")?.n).toBe(300);
  });
});

describe("an agent's colour", () => {
  it("is fixed for the shipped roles and stable for others", () => {
    const shipped = ["manager", "researcher", "analyst", "writer", "coder", "critic"];
    expect(new Set(shipped.map(agentColour)).size).toBe(6);
    expect(agentColour("lawyer")).toBe(agentColour("lawyer"));
    expect(agentColour("lawyer")).toBeGreaterThanOrEqual(1);
    expect(agentColour("lawyer")).toBeLessThanOrEqual(8);
  });
});
