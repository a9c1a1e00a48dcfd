import { describe, expect, it } from "vitest";
import { type Bar, lanesOf, panned, type Row, spanOf, ticksOf, zoomed } from "@/lib/lanes";
import { Log, plannedLog } from "@/test/planned-events";

const AT = 1_000;
const said = ({ kind, state, from, to }: Bar): string => `${kind} ${state} ${from - AT}–${to - AT}`;

function rowOf(rows: readonly Row[], taskId: string): Row {
  const row = rows.find((each) => each.taskId === taskId);
  if (row === undefined) throw new Error(`no row ${taskId}`);
  return row;
}

describe("the lanes of a run", () => {
  const rows = lanesOf(plannedLog().run(), AT + 2_000);

  it("has a row for each task, in the order of the plan", () => {
    expect(rows.map(({ taskId, depth }) => [taskId, depth])).toEqual([
      ["main", 0],
      ["1", 1],
      ["2", 1],
      ["3", 1],
    ]);
  });

  it("shows waiting for a worker, for the first token, and writing", () => {
    expect(rowOf(rows, "1").bars.map(said)).toEqual([
      "queued done 100–120",
      "waiting done 120–220",
      "writing done 220–520",
    ]);
  });

  it("keeps each attempt, tools with their approval, and questions", () => {
    expect(rowOf(rows, "2").bars.map(said)).toEqual([
      "queued done 100–200",
      "writing failed 200–600",
      "waiting done 650–700",
      "writing done 700–1000",
      "approval done 1000–1200",
      "tool done 1200–1300",
      "question done 1300–1500",
    ]);
    expect(rowOf(rows, "2").bars.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 2, 1, 1, 1]);
  });

  it("lets a task that was free to begin wait until now", () => {
    expect(rowOf(rows, "3").bars.map(said)).toEqual(["queued open 1600–2000"]);
  });

  it("does not let a task wait that still needs others", () => {
    const log = new Log();
    log.add(0, { type: "RUN_STARTED", text: "x" });
    const tasks = [
      { id: "1", role: "a", goal: "x" },
      { id: "2", role: "a", goal: "y", depends_on: ["1"] },
    ];
    log.custom(10, "alma.plan", { plan: { tasks, source: "model" } });
    expect(rowOf(lanesOf(log.run(), AT + 99), "2").bars).toEqual([]);
  });

  it("puts what overlaps into lanes of its own", () => {
    const log = new Log();
    log.add(0, { type: "RUN_STARTED", text: "x" });
    for (const id of ["a", "b"])
      log.add(10, { type: "TOOL_CALL_START", toolCallId: id, toolCallName: "clock", arguments: "{}" });
    const result = { type: "TOOL_CALL_RESULT", messageId: "", content: "", ok: false, role: "tool" } as const;
    log.add(20, { ...result, toolCallId: "a" });
    log.add(30, { type: "TOOL_CALL_START", toolCallId: "c", toolCallName: "clock", arguments: "{}" });
    const row = rowOf(lanesOf(log.run(), AT + 50), "main");
    expect(row.lanes).toBe(2);
    expect(row.bars.map(({ callId, lane, state }) => [callId, lane, state])).toEqual([
      ["a", 0, "failed"],
      ["b", 1, "open"],
      ["c", 0, "open"],
    ]);
  });

  it("ends what was open with its run, and takes the first token of an open message where it is known", () => {
    const log = new Log();
    log.add(0, { type: "RUN_STARTED", text: "x" });
    log.start(10, "m", "main");
    expect(rowOf(lanesOf(log.run(), AT + 100), "main").bars.map(said)).toEqual(["waiting open 10–100"]);
    const known = lanesOf(log.run(), AT + 100, () => AT + 40);
    expect(rowOf(known, "main").bars.map(said)).toEqual(["waiting done 10–40", "writing open 40–100"]);
    log.add(70, { type: "RUN_ERROR", code: "x", message: "x" });
    expect(rowOf(lanesOf(log.run(), AT + 100), "main").bars.map(said)).toEqual(["writing failed 10–70"]);
  });
});

describe("the time window", () => {
  const whole = { from: 0, to: 1_000 };

  it("spans from the question to the end, or to now", () => {
    const log = plannedLog();
    expect(spanOf(log.run(), AT + 5_000)).toEqual({ from: AT, to: AT + 5_000 });
    log.add(1_700, { type: "RUN_FINISHED", outcome: { type: "success" }, status: "completed" });
    expect(spanOf(log.run(), AT + 5_000)).toEqual({ from: AT, to: AT + 1_700 });
  });

  it("zooms about a time that stays where it is, and never leaves the whole", () => {
    expect(zoomed(whole, whole, 0.5, 250)).toEqual({ from: 125, to: 625 });
    expect(zoomed({ from: 125, to: 625 }, whole, 4, 250)).toEqual(whole);
    expect(zoomed({ from: 0, to: 20 }, whole, 0.1, 10)).toEqual({ from: 0, to: 20 });
    expect(panned({ from: 100, to: 300 }, whole, -500)).toEqual({ from: 0, to: 200 });
    expect(panned({ from: 100, to: 300 }, whole, 5_000)).toEqual({ from: 800, to: 1_000 });
  });

  it("has round marks", () => {
    expect(ticksOf({ from: AT, to: AT + 1_000 }, AT, 5)).toEqual([0, 200, 400, 600, 800, 1_000]);
    expect(ticksOf({ from: AT + 130, to: AT + 330 }, AT, 4)).toEqual([150, 200, 250, 300]);
  });
});
