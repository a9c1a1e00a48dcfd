// A planned run of the mock server: a Manager, specialists side by side, one joined answer.
//
// What a message says beside "Compare …" decides what happens: "deep" (a task with tasks of its own), "ask me" (a
// question in mid-run), "look it up" (a tool that needs leave), "reassign" (a task that goes to another agent), "lose" (one
// that fails). A run that was started with `approve` waits for the user's word on the plan.
import { SYNTHESIS, SYNTHESIS_LOST, TASK_TEXTS } from "./mock-texts.mjs";

export const isPlanned = (run) => /^compare\b/i.test(run.text) && !/long \d/.test(run.text);

const TASKS = [
  {
    id: "1",
    role: "researcher",
    title: "Heating with gas",
    goal: "Find out for heating a house with gas: cost, climate, comfort.",
    inputs: ["gas", "cost", "climate", "comfort"],
    tokens: 600,
  },
  {
    id: "2",
    role: "researcher",
    title: "Heating with a heat pump",
    goal: "Find out for heating a house with a heat pump: cost, climate, comfort.",
    inputs: ["a heat pump", "cost", "climate", "comfort"],
    tokens: 600,
  },
  {
    id: "3",
    role: "analyst",
    title: "Yearly cost of both",
    goal: "Work out what 15,000 kWh of heat cost in a year with gas and with a heat pump.",
    inputs: ["cost"],
    tokens: 400,
  },
];
const DEEP = [
  { id: "2.1", role: "writer", title: "How it feels", goal: "Describe how rooms feel with a heat pump." },
  {
    id: "2.2",
    role: "critic",
    title: "Check the figures",
    goal: "Check the figures for the heat pump.",
    depends_on: ["2.1"],
  },
];
const ERROR = { code: "endpoint_timeout", message: "The model did not answer within 30 seconds." };

/** Waits until the user has said something about `what`, or until the run is stopped. */
function spoken(run, what) {
  if (run.said.has(what) || run.stop) return Promise.resolve(run.said.get(what));
  return new Promise((resolve) => run.waiting.set(what, () => resolve(run.said.get(what))));
}

/** The user's word. */
export function decide(run, command, { record, custom }) {
  const say = (what, word, name, value, task = "main") => {
    const of = task === "main" ? {} : { subagentRunId: task };
    record(run, custom(name, value, of));
    run.said.set(what, word);
    run.waiting.get(what)?.();
  };
  const { approved } = command;
  if (command.type === "plan.decide") {
    const { taskId = "main", tasks } = command;
    const word = { approved, tasks };
    say(`plan ${taskId}`, word, "alma.plan_decided", { approved, ...(tasks ? { tasks } : {}) }, taskId);
  } else if (command.type === "tool.decide") {
    const { toolCallId } = command;
    const task = toolCallId.split("#")[0];
    say(`tool ${toolCallId}`, { approved }, "alma.tool_decided", { toolCallId, approved }, task);
  } else {
    const { questionId, text } = command;
    say(
      `question ${questionId}`,
      text,
      "alma.question_answered",
      { questionId, text },
      questionId.split("?")[0],
    );
  }
}

export async function planned(run, desk) {
  const { record, begin, finish, stream, custom, sleep, rate } = desk;
  const thinking = begin(run, 1, { step: "decide", suffix: ".decide" });
  await stream(run, thinking, '{"decision": "plan", "pattern": "compare"}', { rate: rate * 2 });
  finish(run, thinking, 300);
  const plan = {
    source: "pattern",
    pattern: "compare",
    reason: "Two options are compared by three criteria, so each option is looked at by itself.",
    tasks: TASKS,
  };
  record(run, custom("alma.plan", { plan, needsApproval: run.approve }));
  const word = run.approve ? await spoken(run, "plan main") : { approved: true };
  const tasks = word?.approved ? (word.tasks ?? TASKS) : [];
  await Promise.all(tasks.map((task, at) => (run.fork ? fork : work)(run, task, at, desk, tasks)));
  while (run.paused && !run.stop) await sleep(50);
  if (!run.stop) {
    desk.remind(run, run.text, `${run.id}.main`);
    const start = begin(run, 1);
    await sleep(350);
    const ms = await stream(run, start, /lose/.test(run.text) ? SYNTHESIS_LOST : SYNTHESIS, { rate });
    finish(run, start, ms, run.stop ? "stopped" : "stop");
  }
  const outcome = { type: run.stop ? "interrupted" : "success" };
  record(run, { type: "RUN_FINISHED", outcome, status: run.stop ? "canceled" : "completed" });
}

const ended = (run, id) =>
  run.events.some(
    ({ type, subagentRunId }) => subagentRunId === id && /^SUBAGENT_(FINISHED|ERROR)$/.test(type),
  );

async function work(run, task, at, desk, all) {
  const { record, custom, sleep, isStopped } = desk;
  const of = { subagentRunId: task.id };
  const waits = (task.depends_on ?? []).filter((id) => all.some((other) => other.id === id));
  while (!isStopped(run, task.id) && (run.paused || waits.some((id) => !ended(run, id)))) await sleep(40);
  await sleep(90 * at);
  const end = (status, more = {}) =>
    record(run, { type: "SUBAGENT_FINISHED", ...of, outcome: { type: "success" }, status, ...more });
  if (isStopped(run, task.id)) return end("canceled");
  takeUp(run, task, desk);
  if (/lose/.test(run.text) && task.id === "2") {
    await sleep(900);
    return record(run, { type: "SUBAGENT_ERROR", ...of, status: "failed", ...ERROR });
  }
  if (/ask me/.test(run.text) && task.id === "2") await ask(run, of, desk);
  if (/look it up/.test(run.text) && task.id === "1") await lookUp(run, of, desk);
  let written = { task: task.id, role: task.role };
  if (/reassign/.test(run.text) && task.id === "3") written = await passOn(run, task, desk);
  if (task.id === "3") await calculate(run, of, desk);
  if (/deep/.test(run.text) && task.id === "2") await delegate(run, task, desk);
  if (isStopped(run, task.id)) return end("canceled");
  if (task.role !== "critic") desk.remind(run, task.goal, `${run.id}.${task.id}`, task.id, { most: 3 });
  const start = await write(run, task, written, desk);
  if (task.id === "1") {
    const text = "Gas costs 11 ct per kWh here; take that for the yearly bill.";
    const message = { sender: task.role, recipient: "3", kind: "inform", text, refs: ["1"] };
    record(run, custom("alma.message", message, of));
    record(run, custom("alma.board", { key: "gas price", version: 1, text: "0.11 € per kWh" }, of));
  }
  end(isStopped(run, task.id) ? "canceled" : "completed", { messageId: start.messageId });
}

/** In a fork, only the task that it begins at is done again. */
async function fork(run, task, at, desk, all) {
  const { run_id: fromRunId, task_id: from, goal, role } = run.fork;
  if (from === task.id) {
    const changed = { ...task, ...(goal ? { goal, title: "" } : {}), ...(role ? { role } : {}) };
    return work(run, changed, at, desk, all);
  }
  const value = { fromRunId, role: task.role, text: TASK_TEXTS[task.id], status: "completed" };
  desk.record(run, desk.custom("alma.task_reused", value, { subagentRunId: task.id }));
}

function takeUp(run, task, { record }, more = {}) {
  record(run, {
    type: "SUBAGENT_STARTED",
    subagentRunId: task.id,
    name: task.role,
    model: run.model.split("/")[1] ?? run.model,
    promptVersion: `${task.role}@91c4`,
    tokens: task.tokens ?? 300,
    seconds: 60,
    ...more,
  });
}

async function write(run, task, written, { begin, finish, stream, sleep, isStopped, rate }) {
  const start = begin(run, 1, written);
  await sleep(250 + 120 * Number(task.id.at(-1)));
  const ms = await stream(run, start, TASK_TEXTS[task.id] ?? task.goal, { rate: rate * 0.7 });
  finish(run, start, ms, isStopped(run, task.id) ? "stopped" : "stop");
  return start;
}

async function calculate(run, of, { record, sleep }) {
  const toolCallId = `${of.subagentRunId}#1`;
  const args = JSON.stringify({ expression: "15000 / 0.9 * 0.11" });
  record(run, { type: "TOOL_CALL_START", ...of, toolCallId, toolCallName: "calculator", arguments: args });
  await sleep(120);
  const result = { toolCallId, messageId: `${run.id}.${toolCallId}`, content: "1833.33", ok: true, ms: 2.1 };
  record(run, { type: "TOOL_CALL_RESULT", ...of, ...result });
}

async function lookUp(run, of, { record, sleep }) {
  const toolCallId = `${of.subagentRunId}#1`;
  const args = JSON.stringify({ url: "https://example.org/energy/prices", max_chars: 4000 });
  const call = { toolCallId, toolCallName: "read_page", arguments: args, needsApproval: true };
  record(run, { type: "TOOL_CALL_START", ...of, ...call });
  const word = await spoken(run, `tool ${toolCallId}`);
  if (word?.approved) await sleep(400);
  const content = word?.approved ? "Household gas: 10.9 ct per kWh." : "The user refused this call.";
  const result = { toolCallId, messageId: `${run.id}.${toolCallId}`, content, ok: word?.approved ?? false };
  record(run, { type: "TOOL_CALL_RESULT", ...of, ...result, ms: 412 });
}

async function ask(run, of, { record, custom, sleep }) {
  const questionId = `${of.subagentRunId}?1`;
  const text = "Which house is it? A heat pump’s yearly figure depends on how warm the water must be.";
  const options = [
    "Built after 2000, floor heating",
    "Older, with large radiators",
    "Older, with small radiators",
  ];
  await sleep(300);
  record(run, custom("alma.question", { questionId, text, options }, of));
  await spoken(run, `question ${questionId}`);
}

/** Two failed attempts, then another role. */
async function passOn(run, task, desk) {
  const { record, begin, stream, custom, sleep, rate } = desk;
  const of = { subagentRunId: task.id };
  for (const attempt of [1, 2]) {
    const start = begin(run, attempt, { task: task.id, role: task.role });
    await stream(run, start, TASK_TEXTS[task.id], { rate, stopAt: 0.25 });
    const more = attempt === 1 ? { retryInMs: 500 } : { toRole: "writer" };
    const failure = { messageId: start.messageId, attempt, error: ERROR, ...more };
    run.open.delete(start.messageId);
    record(run, custom("alma.attempt_failed", failure, of));
    await sleep(500);
  }
  const other = { ...task, role: "writer" };
  takeUp(run, other, desk, { assignment: 2 });
  return { task: task.id, role: other.role, suffix: "@2" };
}

async function delegate(run, task, desk) {
  const { record, custom } = desk;
  const plan = { source: "agent", reason: "It has two sides that can be done apart.", tasks: DEEP };
  record(run, custom("alma.plan", { plan }, { subagentRunId: task.id }));
  await Promise.all(DEEP.map((child, at) => work(run, child, at, desk, DEEP)));
}
