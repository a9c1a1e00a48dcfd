// A stand-in for the server: the protocol, canned threads and answers, failures on request. For work on the page only.
//
//   node test/mock-server.mjs [--port 4173] [--rate 90] [--strong] [--pool] [--forgetful] [--guarded] [--limited] [--unwell]
//
// What a message says decides what happens: "long 5000" (also "long 5000 code|list|table|paragraph"), "at 1000"
// (tokens/s), "fail", "flaky" (one failed attempt), "think", "refuse", "cut" (the connection breaks in mid-answer).
// "Compare …" is planned (see mock-plan.mjs); windows, caches and budgets: see mock-spend.mjs. What fits is recalled, by
// "words only" without vectors; "look back" (tools on memory), "meanwhile" (a memory changes), "handbook" (files are cited).
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { WebSocketServer } from "ws";
import { accessRoute, callerOf, limitOf, tokenRoutes, welcomeOf } from "./mock-access.mjs";
import { experimentRoutes } from "./mock-experiments.mjs";
import { firing, health, healthRoutes, isUnwell } from "./mock-health.mjs";
import { knowledgeRoutes } from "./mock-knowledge.mjs";
import { labRoutes } from "./mock-lab.mjs";
import { learnedEvents, learningRoutes } from "./mock-learning.mjs";
import { keepRun, memories, memoryRoutes, recallFor } from "./mock-memory.mjs";
import { metricRoutes, metricsNow, modeOf } from "./mock-metrics.mjs";
import { decide, isPlanned, planned } from "./mock-plan.mjs";
import { recordRoutes } from "./mock-records.mjs";
import { refinementRoutes } from "./mock-refinement.mjs";
import {
  budgetsOf,
  cacheOf,
  cacheReport,
  clearCache,
  healthOf,
  POOL_MODELS,
  POOLED,
  sectionsOf,
  setBudget,
  setCache,
  spendOf,
  testOf,
  trimsOf,
  windowOf,
} from "./mock-spend.mjs";
import { HAIKU, HANDBOOK, HEATING, longText, RAINBOW } from "./mock-texts.mjs";
import { versionRoutes } from "./mock-versions.mjs";

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : (process.argv[at + 1] ?? "yes");
};
const PORT = Number(option("port", 4173));
const RATE = Number(option("rate", 90));
const STRONG = process.argv.includes("--strong");
const OUT = new URL("../out", import.meta.url).pathname;
const BOOT = `boot-${Date.now()}`;
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".txt": "text/plain",
};
const MAX_PROMPT = 20_000;

/** threads: id → {summary, runs: id → run}; a run keeps its wire events and its open text. */
const threads = new Map();
const runs = new Map();
const keys = new Map();
const pulls = new Map();
const sockets = new Set();
let counter = 0;
let models = [
  {
    id: "embedded/smollm2-135m",
    endpoint: "embedded",
    name: "smollm2-135m",
    contextWindow: 8192,
    kind: "embedded",
    tiny: true,
    loaded: true,
    members: [],
    price: { input: 0, output: 0 },
  },
];
let endpoints = [
  {
    name: "embedded",
    baseUrl: "http://127.0.0.1:8090/v1",
    hasKey: false,
    kind: "embedded",
    state: "ready",
    detail: "",
  },
];
let defaultModel = models[0].id;
if (STRONG) {
  models.push({
    id: "ollama/qwen3:8b",
    endpoint: "ollama",
    name: "qwen3:8b",
    contextWindow: 40960,
    kind: "remote",
    tiny: false,
    loaded: true,
    members: [],
    price: { input: 0, output: 0 },
  });
  endpoints.push({
    name: "ollama",
    baseUrl: "http://127.0.0.1:11434/v1",
    hasKey: false,
    kind: "remote",
    state: "ready",
    detail: "",
  });
  defaultModel = "ollama/qwen3:8b";
}

if (process.argv.includes("--pool")) {
  models.push(...POOL_MODELS);
  endpoints.push(...POOLED);
  defaultModel = "pool/llama-3.3-70b";
}

const points = (text) => [...text].length;
const custom = (name, value, more = {}) => ({ type: "CUSTOM", name, value, ...more });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function send(socket, event) {
  if (socket.readyState === 1) socket.send(JSON.stringify(event));
}
function toAll(event) {
  for (const socket of sockets) send(socket, event);
}
function toFollowers(threadId, event) {
  for (const socket of sockets) if (socket.threads.has(threadId)) send(socket, event);
}

function makeThread(title, ageHours = 0) {
  const id = `t_${(++counter).toString(36).padStart(5, "0")}`;
  const at = Date.now() / 1000 - ageHours * 3600;
  const thread = { summary: { id, title, createdAt: at, updatedAt: at, runs: 0, working: false }, runs: [] };
  threads.set(id, thread);
  return thread;
}

function kindOf(text) {
  if (/haiku|poem|story|write a/i.test(text)) return "creative";
  if (/compare|versus|cost|analy|prove|long/i.test(text)) return "analytical";
  return "chat";
}
const NEIGHBOURS = {
  creative: [
    ["Write a short poem about the sea", "creative", 0.81],
    ["Tell me a story about a lighthouse", "creative", 0.62],
    ["Invent a name for a tea shop", "creative", 0.47],
    ["What is a sonnet?", "chat", 0.38],
  ],
  analytical: [
    ["Compare buying and leasing a car", "analytical", 0.74],
    ["Which is cheaper over ten years, and why?", "analytical", 0.66],
    ["Weigh the pros and cons of solar panels", "analytical", 0.63],
    ["Hello, how are you?", "chat", 0.12],
  ],
  chat: [
    ["Explain why the sky is blue", "chat", 0.71],
    ["What does photosynthesis mean?", "chat", 0.58],
    ["Describe a sunset", "creative", 0.41],
  ],
};
function routeOf(text, asked) {
  const kind = asked ?? kindOf(text);
  const scores = { chat: 0.21, creative: 0.17, analytical: 0.19, [kind]: 0.74 };
  return {
    kind,
    scores,
    source: asked ? "user" : "examples",
    role: "manager",
    promptVersion: "manager@3f9a",
    neighbours: asked
      ? []
      : NEIGHBOURS[kind].map(([line, of, score]) => ({
          text: line,
          kind: of,
          score,
          source: score > 0.6 && score < 0.63 ? "correction" : "role",
        })),
    sampling: { temperature: kind === "creative" ? 0.9 : 0.3, top_p: 0.95, max_tokens: 2048 },
  };
}
function answerOf(text) {
  const long = /long (\d+)(?: (code|list|table|paragraph))?/.exec(text);
  if (long) return longText(Number(long[1]), long[2]);
  if (/haiku/i.test(text)) return HAIKU;
  if (/handbook/i.test(text)) return HANDBOOK;
  if (/heat/i.test(text)) return HEATING;
  return RAINBOW;
}

function record(run, event) {
  const entry = {
    threadId: run.threadId,
    runId: run.id,
    timestamp: run.clock?.() ?? Date.now(),
    ...event,
    seq: run.events.length + 1,
  };
  run.events.push(entry);
  toFollowers(run.threadId, entry);
}
function touch(thread, working) {
  Object.assign(thread.summary, { working, runs: thread.runs.length, updatedAt: Date.now() / 1000 });
  toAll(custom("alma.thread", thread.summary));
}

function makeRun(thread, { text, parentRunId, ofRunId, model, kind, key, approve, fork, ...limits }) {
  const { tokens = 0, seconds = 0, money = 0, fresh = false } = limits;
  const id = `r_${(++counter).toString(36).padStart(5, "0")}`;
  const run = {
    id,
    threadId: thread.summary.id,
    text,
    events: [],
    /** Messages that are being written, by id; and the texts of those that were. */
    open: new Map(),
    texts: new Map(),
    stop: false,
    stopped: new Set(),
    paused: false,
    approve: approve ?? false,
    fork,
    /** What the user said: by `plan main`, `tool …`, `question …`; and who waits for it. */
    said: new Map(),
    waiting: new Map(),
    model: model ?? defaultModel,
    kind,
    tokens,
    fresh,
    /** By task: memories that it was given. */
    reminded: new Map(),
  };
  runs.set(id, run);
  thread.runs.push(id);
  record(run, {
    type: "RUN_STARTED",
    text,
    ...(parentRunId ? { parentRunId } : {}),
    ...(ofRunId ? { ofRunId } : {}),
    ...(model ? { model } : {}),
    ...(kind ? { kind } : {}),
    ...(key ? { key } : {}),
    ...(approve ? { approve } : {}),
    ...(tokens ? { tokens } : {}),
    ...(seconds ? { seconds } : {}),
    ...(money ? { money } : {}),
    ...(fresh ? { fresh } : {}),
    ...(fork ? { fork } : {}),
  });
  return run;
}
const of = (task) => (task === "main" ? {} : { subagentRunId: task });
const startOf = (run, attempt, { task = "main", role = "manager", step = "answer", suffix = "" } = {}) => ({
  type: "TEXT_MESSAGE_START",
  ...of(task),
  messageId: `${run.id}.${task}${suffix}`,
  attempt,
  name: role,
  ...(step === "answer" ? {} : { step }),
  model: run.model,
  endpoint: run.model.split("/")[0],
  ...windowOf(run),
  promptVersion: "manager@3f9a",
  role: "assistant",
  sections: sectionsOf(run, task),
});
const endOf = (run, start, text, finishReason, ms, reasoning = "") => ({
  type: "TEXT_MESSAGE_END",
  messageId: start.messageId,
  attempt: start.attempt,
  ...(start.subagentRunId ? { subagentRunId: start.subagentRunId } : {}),
  ...(start.step ? { step: start.step } : {}),
  n: points(text),
  finishReason,
  model: run.model.split("/")[1],
  usage: {
    input_tokens: 758 + Math.ceil(run.text.length / 4),
    output_tokens: Math.ceil(text.length / 4.2),
    cached_tokens: 702,
    estimated: false,
  },
  timing: cacheOf(run) ? { first_token_ms: 1.4, total_ms: 3 } : { first_token_ms: 84, total_ms: 84 + ms },
  ...(cacheOf(run) ? { cache: cacheOf(run) } : {}),
  ...(run.model.startsWith("pool/")
    ? { endpoint: start.attempt > 1 ? "openrouter" : "groq", cost: cacheOf(run) ? 0 : 0.00312 }
    : {}),
  ...(reasoning ? { reasoningN: points(reasoning) } : {}),
});

/** Reminds an agent before it writes, of what fits; what it is given is in its prompt. */
function remind(run, query, messageId, task = "main", more = {}) {
  const recall = recallFor(query, messageId, { dense: !/words only/.test(run.text), ...more });
  if (recall === null) return;
  if (!more.callId) run.reminded.set(task, recall.hits);
  record(run, custom("alma.recalled", recall, of(task)));
}

/** The agent looks in its memory itself, and keeps something. */
async function lookBack(run) {
  const call = async (toolCallId, toolCallName, args, content, between = () => undefined) => {
    const more = { messageId: `${run.id}.${toolCallId}`, content, ok: true, ms: 6.4 };
    record(run, { type: "TOOL_CALL_START", toolCallId, toolCallName, arguments: JSON.stringify(args) });
    between();
    await sleep(150);
    record(run, { type: "TOOL_CALL_RESULT", toolCallId, ...more });
  };
  const query = "price of electricity at night";
  const recall = recallFor(query, `${run.id}.main`, { most: 2 });
  const told = recall?.hits.map(({ id, label, text }) => `${id} (${label}): ${text}`).join("\n");
  await call("main#1", "recall", { query }, told ?? "Nothing is known of that.", () =>
    remind(run, query, `${run.id}.main`, "main", { most: 2, callId: "main#1" }),
  );
  const text = "Costs are to be given for the night tariff too.";
  await call("main#2", "remember", { text, scope: "private" }, "Kept as m_0200.");
}

/** What was said becomes memories once the run is over. */
function keepWords(run) {
  const said = run.events.flatMap(({ type, messageId, subagentRunId = "", name }) => {
    const text = run.texts.get(messageId) ?? "";
    const sentence = /^[^.!?]{12,200}[.!?]/.exec(text.replace(/[#*>|\n]+/g, " ").trim())?.[0];
    return type === "TEXT_MESSAGE_START" && sentence ? [[name, subagentRunId, sentence]] : [];
  });
  const ids = keepRun(run, said);
  toAll(custom("alma.memories", { ids, total: 130 + ids.length }));
}

/** Opens a message; gives back its start. */
function begin(run, attempt, whose) {
  const start = startOf(run, attempt, whose);
  for (const note of trimsOf(run, start.messageId))
    record(run, custom("alma.context", note, of(start.subagentRunId ?? "main")));
  run.open.set(start.messageId, { attempt, start, text: "", reasoning: "", textN: 0, reasoningN: 0 });
  record(run, start);
  return start;
}

/** Closes a message with what was written. */
function finish(run, start, ms, finishReason = "stop", more = {}) {
  const { text, reasoning } = run.open.get(start.messageId);
  run.open.delete(start.messageId);
  run.texts.set(start.messageId, text);
  record(run, { ...endOf(run, start, text, finishReason, ms, reasoning), ...more });
}

const isStopped = (run, task = "main") =>
  run.stop || [...run.stopped].some((each) => each === task || task.startsWith(`${each}.`));

async function stream(run, start, text, { rate, stopAt = 1, channel = "text" } = {}) {
  const open = run.open.get(start.messageId);
  const pieces = text.match(/[\s\S]{1,4}(?=\b|\s|$)|[\s\S]{1,4}/gu) ?? [];
  const until = Math.ceil(pieces.length * stopAt);
  const began = performance.now();
  const field = channel === "text" ? "text" : "reasoning";
  for (let sent = 0; sent < until && !isStopped(run, start.subagentRunId); ) {
    const due = Math.min(until, Math.ceil(((performance.now() - began) / 1000) * rate));
    for (; sent < due; sent++) {
      open[field] += pieces[sent];
      const n = points(pieces[sent]) + open[`${field}N`];
      open[`${field}N`] = n;
      toFollowers(run.threadId, {
        type: channel === "text" ? "TEXT_MESSAGE_CONTENT" : "REASONING_MESSAGE_CONTENT",
        threadId: run.threadId,
        runId: run.id,
        ...(start.subagentRunId ? { subagentRunId: start.subagentRunId } : {}),
        messageId: start.messageId,
        attempt: start.attempt,
        n,
        delta: pieces[sent],
      });
    }
    await sleep(4);
  }
  return performance.now() - began;
}

async function work(run) {
  const thread = threads.get(run.threadId);
  const rate = Number(/at (\d+)/.exec(run.text)?.[1] ?? RATE);
  touch(thread, true);
  await sleep(60);
  record(run, custom("alma.route", routeOf(run.text, run.kind)));
  await sleep(120);
  if (isPlanned(run)) {
    await planned(run, { record, begin, finish, stream, custom, sleep, isStopped, rate, remind });
    keepWords(run);
    touch(thread, false);
    return;
  }
  const text = answerOf(run.text);
  let attempt = 1;
  const isManual = /handbook/i.test(run.text);
  const query = isManual ? `${run.text.split(". ")[0]} Defrosting? Error?` : run.text;
  remind(run, query, `${run.id}.main`, "main", isManual ? { most: 6 } : {});
  if (/look back/i.test(run.text)) await lookBack(run);
  let start = begin(run, attempt);
  await sleep(350);
  const [changed] = run.reminded.get("main") ?? [];
  if (/meanwhile/i.test(run.text) && changed) {
    const words = `The memory ${changed.id} that you were given was changed. Now it is: ${changed.text.replace(/\.$/, "")}, as of today.`;
    const more = { sender: "memory", recipient: "main", kind: "inform", text: words, refs: [changed.id] };
    record(run, custom("alma.message", more));
  }
  if (/flaky/.test(run.text)) {
    await stream(run, start, text, { rate, stopAt: 0.3 });
    record(
      run,
      custom("alma.attempt_failed", {
        messageId: `${run.id}.main`,
        attempt,
        retryInMs: 1200,
        error: { code: "endpoint_cut", message: "The model closed the stream" },
      }),
    );
    await sleep(1200);
    attempt = 2;
    start = begin(run, attempt);
  }
  if (/failover/.test(run.text)) {
    await stream(run, start, text, { rate, stopAt: 0.4 });
    const error = { code: "endpoint_cut", message: "groq closed the stream before the answer was complete." };
    record(
      run,
      custom("alma.attempt_failed", {
        messageId: start.messageId,
        attempt,
        endpoint: "groq",
        others: 1,
        error,
      }),
    );
    await sleep(300);
    attempt = 2;
    start = begin(run, attempt);
  }
  if (/\bfail\b/.test(run.text)) {
    await stream(run, start, text, { rate, stopAt: 0.2 });
    const error = {
      code: "endpoint_unreachable",
      message: "The model at http://127.0.0.1:11434 cannot be reached.",
      hint: "Is Ollama running? Start it, or choose another model.",
    };
    record(run, custom("alma.attempt_failed", { messageId: `${run.id}.main`, attempt, error }));
    run.open.clear();
    record(run, { type: "RUN_ERROR", ...error });
    touch(thread, false);
    return;
  }
  if (/think/.test(run.text))
    await stream(
      run,
      start,
      "The person wants an explanation. First the light, then the drop, then the eye. Keep it short and concrete.",
      { rate, channel: "reasoning" },
    );
  const [budget] = budgetsOf(run);
  const spent = budget !== undefined && !budget.warning;
  const ms = await stream(run, start, text, { rate: cacheOf(run) ? 5000 : rate, stopAt: spent ? 0.6 : 1 });
  if (budget) record(run, custom("alma.budget", budget));
  finish(run, start, ms, run.stop ? "stopped" : spent ? "budget" : "stop");
  record(run, {
    type: "RUN_FINISHED",
    outcome: { type: run.stop ? "interrupted" : "success" },
    status: run.stop ? "canceled" : "completed",
  });
  keepWords(run);
  touch(thread, false);
}

/** A finished turn, for the threads that are there from the start. */
function past(thread, text, options = {}) {
  let clock = (thread.summary.updatedAt + thread.runs.length * 40) * 1000;
  const run = makeRun(thread, { text, ...options });
  run.events[0].timestamp = clock;
  run.clock = () => {
    clock += 700;
    return clock;
  };
  record(run, custom("alma.route", routeOf(text, options.kind)));
  const start = startOf(run, 1);
  if (options.learned)
    for (const [name, value] of Object.entries(learnedEvents(start.messageId)))
      record(run, custom(name, value));
  record(run, start);
  const answer = options.answer ?? answerOf(text);
  run.texts.set(start.messageId, answer);
  record(run, endOf(run, start, answer, "stop", (answer.length / 4.2 / 94) * 1000));
  record(run, { type: "RUN_FINISHED", outcome: { type: "success" }, status: "completed" });
  thread.summary.runs = thread.runs.length;
  return run;
}

const heating = makeThread("Gas or heat pump", 0.4);
const first = past(heating, "Explain how a rainbow forms to a ten-year-old.");
past(heating, "Write a haiku about rain.", { parentRunId: first.id });
const again = past(
  heating,
  "Compare heating a house with gas and with a heat pump: cost, climate, comfort; recommend one.",
  { parentRunId: first.id },
);
heating.demo = again.id;
makeThread("Names for a tea shop", 2);
makeThread("What to read after “The Left Hand of Darkness”", 27);
makeThread("Sourdough that does not rise", 30);
makeThread("A letter to the landlord about the heating that has not worked since October", 75);
makeThread("Difference between TCP and QUIC", 120);
const remembered = {
  "Trip to Porto": makeThread("Three days in Porto", 210),
  "The bakery": makeThread("Shifts for August", 260),
  "Running again": makeThread("A plan for ten kilometres", 300),
  "Cooking for six": makeThread("Sunday dinner for six", 340),
  "Nora's birthday": makeThread("A speech of two minutes", 390),
};
for (const [id, thread] of threads)
  if (id !== heating.summary.id)
    past(thread, "Write a haiku about rain.", { learned: thread.summary.title === "Names for a tea shop" });

const lengthy = makeThread("Two hundred turns", 200);
for (let at = 0, last; at < 200; at++) {
  const text = [
    "Explain how a rainbow forms.",
    "Write a haiku about rain.",
    "Compare heating with gas and with a heat pump.",
  ][at % 3];
  last = past(lengthy, text, { parentRunId: last?.id });
}

function subscribe(socket, command) {
  const thread = threads.get(command.threadId);
  if (!thread)
    return send(
      socket,
      custom("alma.error", { id: command.id, code: "unknown_thread", message: "There is no such thread." }),
    );
  socket.threads.delete(command.threadId);
  send(socket, custom("alma.ack", { id: command.id, threadId: command.threadId }));
  for (const runId of thread.runs) {
    const run = runs.get(runId);
    const cursor = command.cursors?.[runId] ?? { seq: 0 };
    const known = { ...cursor.messages };
    const sendRest = ({ messageId, attempt, subagentRunId }, text) => {
      const have = known[messageId]?.attempt === attempt ? known[messageId].n : 0;
      const delta = [...text].slice(have).join("");
      const frame = { type: "TEXT_MESSAGE_CONTENT", threadId: run.threadId, runId, subagentRunId };
      if (delta) send(socket, { ...frame, messageId, attempt, n: points(text), delta });
    };
    for (const event of run.events.slice(cursor.seq)) {
      if (event.type === "TEXT_MESSAGE_START") delete known[event.messageId];
      if (event.type === "TEXT_MESSAGE_END") sendRest(event, run.texts.get(event.messageId) ?? "");
      send(socket, event);
    }
    for (const { start, text } of run.open.values()) sendRest(start, text);
  }
  socket.threads.add(command.threadId);
  send(socket, custom("alma.live", {}, { threadId: command.threadId }));
}

function start(socket, command) {
  const refuse = (code, message, hint) =>
    send(socket, custom("alma.error", { id: command.id, code, message, ...(hint ? { hint } : {}) }));
  const before = keys.get(command.key);
  if (before) return send(socket, custom("alma.ack", { id: command.id, ...before, duplicate: true }));
  if (/refuse/.test(command.text ?? ""))
    return refuse(
      "storage_full",
      "The disk is full, so nothing can be kept.",
      "Make some space and send it again.",
    );
  const old = command.type === "run.start" ? null : runs.get(command.runId);
  const { taskId, goal, role, model } = command;
  const fork =
    command.type === "run.fork" ? { run_id: command.runId, task_id: taskId, goal, role, model } : undefined;
  const text = command.text ?? old?.text ?? "";
  const thread = old
    ? threads.get(old.threadId)
    : command.threadId
      ? threads.get(command.threadId)
      : makeThread(text.slice(0, 60));
  if (!thread) return refuse("unknown_thread", "There is no such thread.");
  socket.threads.add(thread.summary.id);
  const parentRunId = old ? old.events[0].parentRunId : (command.parentRunId ?? thread.runs.at(-1));
  const run = makeRun(thread, {
    ...command,
    text,
    parentRunId,
    ofRunId: old?.id,
    fork,
    fresh: command.fresh ?? old !== null,
  });
  const ack = { threadId: thread.summary.id, runId: run.id };
  keys.set(command.key, ack);
  send(socket, custom("alma.ack", { id: command.id, ...ack }));
  void work(run);
  if (/\bcut\b/.test(text))
    setTimeout(() => {
      for (const each of sockets) each.terminate();
    }, 1500);
}

function handle(socket, command) {
  const ack = () => send(socket, custom("alma.ack", { id: command.id }));
  const tooMuch = limitOf(command);
  if (tooMuch !== null) return send(socket, custom("alma.error", { id: command.id, ...tooMuch }));
  switch (command.type) {
    case "run.start":
    case "run.retry":
    case "run.fork":
      return start(socket, command);
    case "run.stop": {
      const run = runs.get(command.runId);
      const task = command.taskId ?? "main";
      if (run && !run.stop && run.events.at(-1).type !== "RUN_FINISHED") {
        if (task === "main") run.stop = true;
        else run.stopped.add(task);
        record(run, custom("alma.stop_requested", {}, of(task)));
        for (const wake of run.waiting.values()) wake();
      }
      return ack();
    }
    case "run.pause":
    case "run.resume": {
      const run = runs.get(command.runId);
      run.paused = command.type === "run.pause";
      record(run, custom(run.paused ? "alma.paused" : "alma.resumed", {}));
      return ack();
    }
    case "plan.decide":
    case "tool.decide":
    case "question.answer":
      decide(runs.get(command.runId), command, { record, custom });
      return ack();
    case "route.correct":
      record(runs.get(command.runId), custom("alma.route_corrected", { kind: command.kind }));
      return ack();
    case "route.preview": {
      const { kind, scores } = routeOf(command.text);
      return send(socket, custom("alma.route_preview", { id: command.id, kind, scores }));
    }
    case "metrics.watch":
    case "metrics.unwatch":
      socket.watchesMetrics = command.type === "metrics.watch";
      return ack();
    case "thread.subscribe":
      return subscribe(socket, command);
    case "thread.unsubscribe":
      socket.threads.delete(command.threadId);
      return ack();
    default:
      return send(socket, custom("alma.heartbeat", { id: command.id }));
  }
}

const ENTRY = {
  RUN_STARTED: "run_started",
  TEXT_MESSAGE_START: "message_started",
  TEXT_MESSAGE_END: "message_finished",
  SUBAGENT_STARTED: "task_started",
  SUBAGENT_FINISHED: "task_finished",
  SUBAGENT_ERROR: "task_finished",
  TOOL_CALL_START: "tool_called",
  TOOL_CALL_RESULT: "tool_returned",
  RUN_FINISHED: "run_finished",
  RUN_ERROR: "run_finished",
};
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
function entryOf(run, event) {
  const { seq, timestamp, threadId, runId, type, name, value, subagentRunId, ...rest } = event;
  const kind =
    type === "CUSTOM"
      ? ({
          "alma.route": "route_chosen",
          "alma.route_corrected": "route_corrected",
          "alma.attempt_failed": "attempt_failed",
          "alma.stop_requested": "stop_requested",
          "alma.paused": "pause_requested",
          "alma.resumed": "resume_requested",
          "alma.plan": "plan_made",
          "alma.message": "agent_message",
          "alma.question": "question_asked",
          "alma.budget": "budget_reached",
          "alma.context": "context_trimmed",
          "alma.recalled": "memories_recalled",
          "alma.board": "board_written",
          "alma.choices": "choices_made",
          "alma.lessons": "lessons_told",
          "alma.signal": "signaled",
        }[name] ?? name.slice(5))
      : ENTRY[type];
  const fields = Object.fromEntries(
    Object.entries(type === "CUSTOM" ? value : rest).map(([key, each]) => [snake(key), each]),
  );
  if (subagentRunId) Object.assign(fields, { task_id: subagentRunId });
  if (type === "TEXT_MESSAGE_START" || type === "SUBAGENT_STARTED") Object.assign(fields, { role: name });
  if (type === "TEXT_MESSAGE_END") Object.assign(fields, { text: run.texts.get(event.messageId) ?? "" });
  if (type === "TOOL_CALL_START") Object.assign(fields, { name: event.toolCallName });
  if (type === "TOOL_CALL_RESULT") Object.assign(fields, { text: event.content });
  if (type === "SUBAGENT_ERROR") Object.assign(fields, { error: rest });
  if (type === "RUN_ERROR")
    return { seq, entry: { type: kind, at: timestamp / 1000, status: "failed", error: rest } };
  return { seq, entry: { type: kind, at: timestamp / 1000, ...fields } };
}

const modelList = () => ({
  default: defaultModel,
  tinyOnly: models.every((model) => model.tiny),
  models,
  endpoints: endpoints.map((endpoint) => ({ ...healthOf(endpoint.name), ...endpoint })),
  embedded: { state: "ready", file: "/models/smollm2-135m-q4_1.gguf", detail: "" },
});
const CATALOG = [
  {
    repo: "Qwen/Qwen3-4B-GGUF",
    file: "qwen3-4b-q4_k_m.gguf",
    name: "Qwen3 4B",
    sizeBytes: 2.5e9,
    ramBytes: 4.2e9,
    licence: "Apache-2.0",
    note: "A good all-rounder for a laptop.",
    fits: true,
  },
  {
    repo: "Qwen/Qwen3-8B-GGUF",
    file: "qwen3-8b-q4_k_m.gguf",
    name: "Qwen3 8B",
    sizeBytes: 5e9,
    ramBytes: 7.5e9,
    licence: "Apache-2.0",
    note: "Stronger at plans and comparisons; slower.",
    fits: true,
  },
  {
    repo: "Qwen/Qwen3-32B-GGUF",
    file: "qwen3-32b-q4_k_m.gguf",
    name: "Qwen3 32B",
    sizeBytes: 19.8e9,
    ramBytes: 24e9,
    licence: "Apache-2.0",
    note: "Wants a workstation.",
    fits: false,
  },
];
const AGENTS = [
  { name: "manager", purpose: "Answers, or plans and joins the results." },
  { name: "researcher", purpose: "Finds out what is so." },
  { name: "analyst", purpose: "Weighs options against criteria." },
  { name: "writer", purpose: "Puts things into words." },
  { name: "coder", purpose: "Writes and explains programs." },
  { name: "critic", purpose: "Judges work and sends it back." },
];
class Problem extends Error {
  constructor(status, code, detail, hint) {
    super(detail);
    this.body = { type: "about:blank", title: code, status, code, detail, ...(hint ? { hint } : {}) };
  }
}
function startPull(file) {
  const pull = { id: `p${++counter}`, file, state: "running", doneBytes: 0, totalBytes: 2.5e9 };
  pulls.set(pull.id, pull);
  const tick = setInterval(() => {
    pull.doneBytes = Math.min(pull.totalBytes, pull.doneBytes + 1.1e8);
    if (pull.state === "running" && pull.doneBytes === pull.totalBytes) pull.state = "done";
    if (pull.state !== "running") clearInterval(tick);
    toAll(custom("alma.pull", pull));
  }, 200);
  return { id: pull.id };
}
/** A chat, and a turn of it, that a memory of this subject may come from. */
function chatOf(subject) {
  const { summary, runs } = remembered[subject] ?? heating;
  return { threadId: summary.id, title: summary.title, runId: runs.at(-1) };
}

const ROUTES = [
  ...memoryRoutes({ Problem, toAll, chatOf }),
  ...knowledgeRoutes({ Problem, toAll }),
  ...healthRoutes({ Problem, toAll }),
  ...learningRoutes({ Problem, runs, record, custom }),
  ...refinementRoutes({ Problem, toAll, memories }),
  ...labRoutes({ Problem }),
  ...experimentRoutes({ Problem }),
  ...versionRoutes({ Problem, chatOf }),
  ...tokenRoutes({ Problem }),
  ...metricRoutes({ threads, runs }, (...facts) => new Problem(...facts)),
  [
    "GET",
    /^\/threads$/,
    (_, __, query) => {
      const search = (query.get("search") ?? "").toLowerCase();
      const found = [...threads.values()]
        .map(({ summary }) => summary)
        .filter(({ title }) => title.toLowerCase().includes(search));
      return { threads: found.sort((a, b) => b.updatedAt - a.updatedAt), more: false };
    },
  ],
  [
    "GET",
    /^\/threads\/(.+)$/,
    ([id]) => {
      if (!threads.has(id)) throw new Error(`There is no thread ${id}.`);
      return threads.get(id).summary;
    },
  ],
  [
    "PATCH",
    /^\/threads\/(.+)$/,
    ([id], body) => {
      const { summary } = threads.get(id);
      summary.title = body.title;
      toAll(custom("alma.thread", summary));
      return summary;
    },
  ],
  [
    "DELETE",
    /^\/threads\/(.+)$/,
    ([id]) => {
      toAll(custom("alma.thread", { ...threads.get(id)?.summary, deleted: true }));
      threads.delete(id);
    },
  ],
  [
    "GET",
    /^\/runs\/(.+)\/entries$/,
    ([id], _, query) => ({
      entries: runs
        .get(id)
        .events.filter(({ seq }) => seq > Number(query.get("after") ?? 0))
        .map((event) => entryOf(runs.get(id), event)),
    }),
  ],
  [
    "GET",
    /^\/runs\/(.+)\/prompt$/,
    ([id]) => ({
      promptVersion: "manager@3f9a",
      sections: startOf(runs.get(id), 1).sections,
      messages: [
        {
          role: "system",
          content: "You are Alma's Manager. Answer in plain, correct English. Say what you do not know.",
        },
        { role: "user", content: runs.get(id).text },
      ],
    }),
  ],
  ["GET", /^\/agents$/, () => ({ agents: AGENTS, problems: [] })],
  ["GET", /^\/models$/, modelList],
  [
    "PUT",
    /^\/models\/default$/,
    (_, body) => {
      defaultModel = body.model;
      return modelList();
    },
  ],
  [
    "GET",
    /^\/models\/discover$/,
    () => ({
      found: [{ name: "ollama", baseUrl: "http://127.0.0.1:11434/v1", models: ["qwen3:8b", "gemma3:4b"] }],
    }),
  ],
  [
    "POST",
    /^\/endpoints$/,
    (_, body) => {
      if (body.name !== "ollama")
        throw new Problem(
          502,
          "endpoint_unauthorized",
          `${body.baseUrl} refused the key.`,
          "Look whether the key is complete and still valid.",
        );
      endpoints = [
        ...endpoints.filter(({ name }) => name !== body.name),
        {
          name: body.name,
          baseUrl: body.baseUrl,
          hasKey: !!body.apiKey,
          kind: "remote",
          state: "ready",
          detail: "",
        },
      ];
      for (const name of body.models ?? [])
        models.push({
          id: `${body.name}/${name}`,
          endpoint: body.name,
          name,
          contextWindow: 32768,
          kind: "remote",
          tiny: false,
          loaded: true,
          members: [],
          price: { input: 0, output: 0 },
        });
      return modelList();
    },
  ],
  ["POST", /^\/endpoints\/test$/, (_, body) => sleep(500).then(() => testOf(body))],
  ["GET", /^\/spend$/, (_, __, query) => spendOf(query.has("thread"))],
  ["PUT", /^\/budgets$/, (_, body) => setBudget(body)],
  ["GET", /^\/cache$/, cacheReport],
  ["PUT", /^\/cache$/, (_, body) => setCache(body)],
  ["DELETE", /^\/cache$/, clearCache],
  [
    "DELETE",
    /^\/endpoints\/(.+)$/,
    ([gone]) => {
      endpoints = endpoints.filter(({ name }) => name !== gone);
      models = models.filter(({ endpoint }) => endpoint !== gone);
      defaultModel = models[0].id;
      return modelList();
    },
  ],
  [
    "POST",
    /^\/models\/test$/,
    (_, body) =>
      sleep(600).then(() => ({
        model: body.model,
        at: Date.now() / 1000,
        tokensPerSecond: 96,
        promptTokensPerSecond: 268,
        grades: [
          { name: "schema", grade: "A", score: 1, detail: "Every answer kept to the JSON schema." },
          { name: "instructions", grade: "C", score: 0.55, detail: "Followed 6 of 11." },
          {
            name: "classification",
            grade: "D",
            score: 0.42,
            detail: "Right 5 times of 12; examples decide instead.",
          },
          { name: "planning", grade: "F", score: 0.1, detail: "Copies its examples." },
          { name: "long_context", grade: "B", score: 0.8, detail: "Found the needle 4 times of 5." },
        ],
      })),
  ],
  ["GET", /^\/models\/catalog$/, () => ({ ramBytes: 16.6e9, models: CATALOG })],
  ["POST", /^\/models\/pull$/, (_, body) => startPull(body.file)],
  [
    "DELETE",
    /^\/models\/pull\/(.+)$/,
    ([id]) => {
      pulls.get(id).state = "canceled";
    },
  ],
  [
    "POST",
    /^\/models\/gguf$/,
    (_, body) => {
      throw new Problem(422, "invalid_field", `There is no file ${body.path} on this machine.`);
    },
  ],
  ...recordRoutes({ Problem, runs, chatOf }),
];

async function answerApi(request, response, url) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const sent = Buffer.concat(chunks).toString();
  const isJson = request.headers["content-type"]?.startsWith("application/json") ?? false;
  const body = sent === "" ? undefined : isJson ? JSON.parse(sent) : sent;
  const path = url.pathname.slice(4);
  if (accessRoute(request, response, path, body) !== null) return;
  for (const [method, pattern, run] of ROUTES) {
    const match = method === request.method && pattern.exec(path);
    if (!match) continue;
    try {
      const result = await run(match.slice(1), body, url.searchParams, request);
      if (typeof result === "string") {
        response.writeHead(200, { "content-type": "application/x-ndjson" });
        return response.end(result);
      }
      response.writeHead(result === undefined ? 204 : 200, { "content-type": "application/json" });
      return response.end(result === undefined ? undefined : JSON.stringify(result));
    } catch (error) {
      const problem =
        error instanceof Problem
          ? error.body
          : { status: 404, code: "not_found", title: "Not found", detail: String(error) };
      response.writeHead(problem.status, { "content-type": "application/problem+json" });
      return response.end(JSON.stringify(problem));
    }
  }
  response.writeHead(404).end();
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://mock");
  if (url.pathname.startsWith("/api/")) return answerApi(request, response, url);
  if (url.pathname === "/health") {
    response.writeHead(200, { "content-type": "application/json" });
    return response.end(JSON.stringify(health(isUnwell(request))));
  }
  const file = url.pathname === "/" ? "/index.html" : normalize(url.pathname);
  try {
    const content = await readFile(join(OUT, file));
    response
      .writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" })
      .end(content);
  } catch {
    response.writeHead(404, { "content-type": "text/html" }).end(await readFile(join(OUT, "404.html")));
  }
});
const door = new WebSocketServer({ server, path: "/ws", perMessageDeflate: false });
door.on("connection", (socket, request) => {
  const caller = callerOf(request);
  if (caller === null) return socket.close(4401);
  socket.metrics = modeOf(request);
  socket.threads = new Set();
  sockets.add(socket);
  send(
    socket,
    custom("alma.welcome", {
      protocol: 1,
      version: "mock",
      bootId: BOOT,
      heartbeatSeconds: 5,
      maxFrameBytes: 1 << 20,
      maxPromptChars: MAX_PROMPT,
      ...welcomeOf(caller),
      admin: caller.admin && socket.metrics !== "guest",
    }),
  );
  if (isUnwell(request)) send(socket, custom("alma.alerts", { firing: firing(true) }));
  socket.on("message", (data) => handle(socket, JSON.parse(data)));
  socket.on("close", () => sockets.delete(socket));
});
setInterval(() => toAll(custom("alma.heartbeat", {})), 5000);
setInterval(() => {
  for (const socket of sockets)
    if (socket.watchesMetrics) send(socket, custom("alma.metrics", metricsNow(socket.metrics)));
}, 1000);
/** The pool under load, once a second. */
setInterval(() => {
  if (!process.argv.includes("--pool")) return;
  const now = healthOf("groq");
  const active = Math.round(4 + 3 * Math.sin(Date.now() / 2000));
  const { weight: _, price: __, ...health } = { ...now, active, queued: Math.max(0, active - 5) };
  toAll(custom("alma.endpoints", { endpoints: [{ name: "groq", state: "ready", ...health }] }));
}, 1000);
server.listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}/?thread=${heating.summary.id}`));
