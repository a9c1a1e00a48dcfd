import { describe, expect, it } from "vitest";
import { splitCitations } from "@/lib/citations";
import { entryWords } from "@/lib/entry-words";
import { shortDuration } from "@/lib/format";
import { addressOf, HOME, parseView } from "@/lib/location";
import {
  addTask,
  changeTask,
  draftOf,
  draftProblem,
  isChanged,
  mayWaitFor,
  removeTask,
} from "@/lib/plan-draft";
import type { PlanTask } from "@/lib/protocol";
import { newTask, type TaskState } from "@/lib/task-state";
import { listed, planProgress, planSummary, stateWords } from "@/lib/task-words";

const spec = (id: string, more: Partial<PlanTask> = {}): PlanTask => ({
  id,
  role: "analyst",
  goal: `Goal ${id}`,
  ...more,
});
const task = (id: string, more: Partial<TaskState> = {}, planned: Partial<PlanTask> = {}): TaskState => ({
  ...newTask(id, id === "main" ? null : spec(id, planned)),
  ...more,
});
const tasks = (...all: TaskState[]): Map<string, TaskState> =>
  new Map([task("main"), ...all].map((each) => [each.id, each]));
const words = (one: TaskState, ...others: TaskState[]): string =>
  stateWords(one, tasks(one, ...others), false).words;

describe("how a task stands", () => {
  it("is said in words", () => {
    const error = { code: "x", message: "It cannot be reached." };
    const failure = { messageId: "m", attempt: 1, error };
    expect(words(task("3", {}, { depends_on: ["1", "2"] }), task("1"), task("2"))).toBe("after 1 and 2");
    expect(words(task("3", {}, { depends_on: ["1"] }), task("1", { status: "completed" }))).toBe("next");
    expect(words(task("1", { status: "working", failures: [failure] }))).toBe(
      "attempt 2: It cannot be reached.",
    );
    expect(words(task("1", { status: "working", assignment: 2, role: "writer" }))).toBe(
      "passed on to the writer",
    );
    expect(words(task("1", { status: "completed", assignment: 2, role: "writer" }))).toBe(
      "done by the writer in the end",
    );
    expect(words(task("1", { status: "completed", cut: true }))).toBe("cut at its limit");
    expect(words(task("1", { status: "failed", error }))).toBe("failed: It cannot be reached.");
    expect(words(task("1", { status: "working" }), task("1.1"), task("1.2"))).toBe("waits for 1.1 and 1.2");
    expect(words(task("1", { status: "canceled" }))).toBe("stopped");
    expect(words(task("1", { status: "working", stopping: true }))).toBe("stopping");
    expect(words(task("1", { status: "input_required", openQuestion: "q" }))).toBe("asks you");
    expect(words(task("1", { status: "completed", replacedBy: "4" }))).toBe("sent back, done again as 4");
    expect(words(task("1", { status: "completed", reused: { fromRunId: "r" } }))).toBe("taken over");
    expect(stateWords(task("1"), tasks(task("1")), true).words).toBe("paused");
  });

  it("adds up to a line", () => {
    const all = tasks(
      task("1", { status: "completed", startedAt: 1000, endedAt: 9000 }),
      task("2", { status: "failed", role: "writer", startedAt: 2000, endedAt: 13_400 }),
      task("2.1", { status: "canceled", role: "writer", endedAt: 5000 }),
    );
    expect(planSummary(all)).toBe("3 tasks · 2 agents · 12 s · 1 failed · 1 stopped");
    expect(planProgress(tasks(task("1", { status: "completed" }), task("2")))).toBe("1 of 2 tasks done");
    expect(listed(["1", "2", "3"])).toBe("1, 2 and 3");
    expect([9949, 9960, 125_000, 3_780_000].map(shortDuration)).toEqual([
      "9.9 s",
      "10 s",
      "2 min 5 s",
      "1 h 3 min",
    ]);
  });
});

describe("citations", () => {
  const isTask = (id: string): boolean => ["1", "2", "2.1"].includes(id);

  it("are numbers of tasks, one or several", () => {
    expect(splitCitations("Gas is dear [1], pumps are not [2, 2.1].", isTask)).toEqual([
      "Gas is dear",
      { taskId: "1" },
      ", pumps are not",
      { taskId: "2" },
      { taskId: "2.1" },
      ".",
    ]);
    expect(splitCitations("[1][2]", isTask)).toEqual([{ taskId: "1" }, { taskId: "2" }]);
  });

  it("leave alone what cites nothing", () => {
    for (const text of ["In [2024] it was", "a[9]", "[x]", "[1, 9]", "[1", ""]) {
      expect(splitCitations(text, isTask).join("")).toBe(text);
    }
  });
});

describe("a plan that is edited", () => {
  const plan = [
    spec("1"),
    spec("2"),
    spec("3", { depends_on: ["1", "2"] }),
    spec("4", { depends_on: ["3"] }),
  ];

  it("mends who waits for what when a task goes", () => {
    const { tasks: left } = removeTask(draftOf(plan), "3");
    expect(left.map(({ id, depends_on }) => [id, depends_on])).toEqual([
      ["1", undefined],
      ["2", undefined],
      ["4", ["1", "2"]],
    ]);
    const reviewed = draftOf([
      spec("1"),
      spec("2", { review_of: "1", depends_on: ["1"] }),
      spec("3", { depends_on: ["2"] }),
    ]);
    expect(removeTask(reviewed, "1").tasks.map(({ id, depends_on }) => [id, depends_on])).toEqual([
      ["3", []],
    ]);
  });

  it("gives no id twice", () => {
    const draft = addTask(removeTask(draftOf(plan), "4"), "main", "writer");
    expect(draft.tasks.at(-1)).toEqual({ id: "5", role: "writer", goal: "" });
    expect(addTask(draftOf([spec("2.1")]), "2", "writer").tasks.at(-1)?.id).toBe("2.2");
    expect(addTask(draftOf([]), "2", "writer").tasks.at(-1)?.id).toBe("2.1");
  });

  it("cannot wait in a circle", () => {
    const ids = (id: string): string[] => mayWaitFor(draftOf(plan), id).map((each) => each.id);
    expect(ids("1")).toEqual(["2"]);
    expect(ids("4")).toEqual(["1", "2", "3"]);
  });

  it("says what is missing, and whether it is another", () => {
    expect(draftProblem(draftOf(plan))).toBeNull();
    expect(draftProblem(draftOf([]))).toMatch(/no plan/);
    expect(draftProblem(addTask(draftOf(plan), "main", "writer"))).toBe("Task 5 has no goal yet.");
    expect(isChanged(draftOf(plan), plan)).toBe(false);
    const changed = changeTask(draftOf([spec("1", { title: "Old" })]), "1", { goal: "New" });
    expect(changed.tasks[0]).toMatchObject({ goal: "New", title: "" });
    expect(isChanged(changed, plan)).toBe(true);
  });
});

describe("the address", () => {
  it("names the task and the tab", () => {
    const view = { ...HOME, thread: "t", run: "r", task: "2.1", inspect: true, tab: "plan" };
    expect(addressOf(view)).toBe("/?thread=t&run=r&task=2.1&inspect=1&tab=plan");
    expect(parseView(addressOf(view).slice(1))).toEqual(view);
  });
});

describe("a journal entry", () => {
  const said = (entry: Record<string, unknown> & { type: string }) =>
    entryWords({ seq: 1, entry: { at: 0, ...entry } });

  it("of a plan is a sentence", () => {
    const plan = { tasks: [spec("1"), spec("2"), spec("3")], source: "pattern", reason: "Three options." };
    expect(said({ type: "plan_made", plan, needs_approval: true })).toMatchObject({
      what: "The run was split into 3 tasks; it waits for you",
      detail: "Three options.",
    });
    expect(said({ type: "task_started", task_id: "2", role: "writer" }).what).toBe("Task 2 began");
    const error = { code: "x", message: "Gone." };
    expect(said({ type: "task_finished", task_id: "2", status: "failed", error })).toEqual({
      what: "Task 2 failed",
      detail: "Gone.",
      tone: "bad",
    });
    const passed = { type: "attempt_failed", task_id: "2", attempt: 2, error, to_role: "writer" };
    expect(said(passed).detail).toBe("Gone; passed on to writer");
    expect(said({ type: "something_new" }).what).toBe("something new");
  });
});
