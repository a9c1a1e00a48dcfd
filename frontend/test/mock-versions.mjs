// Of the mock server: versions with their evidence, and approved answers.

import { LESSONS } from "./mock-records.mjs";

const HOUR = 3600;
const DAY = 24 * HOUR;
const now = () => Date.now() / 1000;

const FILE = `---
name: writer
purpose: Writes texts that people like to read.
memory:
  recall: [owner, team]
  tokens: 600
---
You are a writer in a team of agents.

Write what the task asks for, and nothing about how you wrote it.
Use long sentences where they carry a thought from its beginning to its end.
Answer in the language of the task.

## When a text is reviewed

Take each point of the critic in turn, and say which you did not follow.
`;
const SHORT = FILE.replace(
  "Use long sentences where they carry a thought from its beginning to its end.",
  "Use short sentences. Each carries one thought from its beginning to its end.\nBegin with the result.",
);
const NOTES = `[
  {"id":"n1","text":"Name the source of each number."},
  {"id":"n2","text":"Give prices in euros."},
  {"id":"n3","text":"Nora does not eat fish: leave it out of menus."}
]
`;

const versions = new Map();
let counter = 0;

function add(what, of, title, stage, madeBy, reason, content, baseContent, more = {}) {
  const id = `v_${String(++counter).padStart(4, "0")}`;
  const at = now() - (9 - counter) * DAY;
  const version = {
    id,
    what,
    of,
    hash: what === "prompt" ? `${of}@4be1${counter}c07` : `77aa0${counter}f0e1b2`,
    base: baseContent === "" ? "" : `${of}@3f9a21c0`,
    title,
    madeBy,
    reason,
    stage,
    createdAt: at,
    changedAt: at + 5 * HOUR,
    share: 0.2,
    tokens: 0,
    fileChanged: false,
    content,
    baseContent,
    history: [{ seq: 1, at, stage: "draft", by: madeBy, why: reason, data: "{}" }],
    stages: [],
    watch: null,
    ...more,
  };
  versions.set(id, version);
  return version;
}

function moved(version, stage, by, why, data = "{}") {
  version.stage = stage;
  version.changedAt = now();
  version.history.push({ seq: version.history.length + 1, at: now(), stage, by, why, data });
  return version;
}

function tried(chatOf, count) {
  const { threadId, runId } = chatOf("Trip to Porto");
  return Array.from({ length: count }, (_, index) => ({
    runId: index === count - 1 ? runId : `${runId}_${index}`,
    threadId,
    arm: index % 5 === 0 ? "candidate" : "base",
    pair: "",
    at: now() - (count - index) * 2.4 * HOUR,
    reward: index > count - 4 ? null : Math.min(1, 0.55 + ((index * 37) % 40) / 100),
    error: index === 11 ? "timeout" : "",
    ms: 2100 + ((index * 731) % 3000),
    cost: 0.0012 + (index % 7) / 5000,
    context: index % 3 === 0 ? "task:writer" : "creative",
  }));
}

function evidence(chatOf, stage, verdict, tasks, difference, why) {
  const course = Array.from({ length: tasks }, (_, index) => {
    const half = 1.15 / Math.sqrt(index + 1.4);
    const mean = difference + Math.sin(index / 4) * 0.09 * (1 - index / tasks);
    return { tasks: index + 1, low: Math.max(-1, mean - half), high: Math.min(1, mean + half) };
  });
  const last = course.at(-1);
  const guard = (name, limit, found) => ({ name, limit, found, odds: 0.4, broken: false, tasks });
  return {
    stage,
    verdict,
    why,
    tasks,
    candidate: Math.round(tasks / 5),
    base: tasks - Math.round(tasks / 5),
    difference,
    error: 0.06,
    low: last.low,
    high: last.high,
    better: verdict === "better" ? 24 : 6.3,
    worse: 0.04,
    waitingCandidate: 1,
    waitingBase: 2,
    errorsCandidate: 0,
    errorsBase: 1,
    guards: [guard("errors", 0.1, -0.02), guard("latency", 1.5, 1.08), guard("cost", 1.5, 0.93)],
    course,
    tried: tried(chatOf, tasks),
  };
}

function fill(chatOf) {
  add(
    "policy",
    "writer",
    "Only small models for drafts",
    "rolled_back",
    "hand",
    "",
    '{\n  "pinned": "writer|small|"\n}\n',
    "",
  );
  add(
    "notes",
    "writer",
    "What you said in October",
    "promoted",
    "distilled",
    "Out of 14 tasks that you gave a reason for.",
    NOTES,
    "",
    {
      watch: { tasks: 31, mean: 0.74, level: 0.66, odds: 0.2, drifted: false, tried: tried(chatOf, 20) },
      stages: [evidence(chatOf, "replay", "better", 24, 0.21, "bets on it won 20 to 1")],
    },
  );
  const short = add(
    "prompt",
    "writer",
    "Short sentences, result first",
    "canary",
    "reflection",
    "Six answers were turned down as too long, or as hiding the result at the end.",
    SHORT,
    FILE,
    {
      tokens: 48_200,
      stages: [
        evidence(chatOf, "replay", "better", 18, 0.24, "bets on it won 20 to 1"),
        evidence(chatOf, "canary", "undecided", 47, 0.13, "neither side has won enough"),
      ],
    },
  );
  moved(short, "replay", "local", "");
  moved(
    short,
    "canary",
    "gate",
    "It was not worse in 18 rehearsals.",
    '{"difference": 0.24, "low": 0.05, "better": 21.3}',
  );
  add(
    "prompt",
    "analyst",
    "",
    "draft",
    "hand",
    "",
    FILE.replaceAll("writer", "analyst"),
    FILE.replaceAll("writer", "analyst").replace("long", "clear"),
  );
}

function diff(before, after, of) {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < Math.min(a.length, b.length) && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const from = Math.max(0, head - 3);
  const after3 = a.slice(a.length - tail).slice(0, 3);
  const lines = [
    ...a.slice(from, head).map((line) => ` ${line}`),
    ...a.slice(head, a.length - tail).map((line) => `-${line}`),
    ...b.slice(head, b.length - tail).map((line) => `+${line}`),
    ...after3.map((line) => ` ${line}`),
  ];
  const hunk = `@@ -${from + 1},${a.length - tail - from} +${from + 1},${b.length - tail - from} @@`;
  return [`--- ${of} (base)`, `+++ ${of} (version)`, hunk, ...lines, ""].join("\n");
}

const head = ({ content, baseContent, history, stages, watch, ...version }) => version;

const lessons = [
  [
    "writer",
    "thumb",
    "Write a short note to the neighbours about the scaffolding",
    "Dear neighbours, from Monday until Friday there will be scaffolding at number 12. Mornings may be loud; we stop at five.",
    0.42,
    0.12,
    0.68,
    3,
  ],
  [
    "manager",
    "edited",
    "What does a heat pump cost to run in a year?",
    "About 1,150 euros: 4,100 kWh at 0.28 euros. The gas boiler took 1,900.",
    0.12,
    -0.14,
    0.38,
    4,
  ],
  [
    "analyst",
    "preferred",
    "Compare rail and plane from Cologne to Porto",
    "By rail 27 hours and 61 kg of CO₂, by plane 2 h 50 min and 390 kg.",
    -0.06,
    -0.41,
    0.29,
    2,
  ],
  [
    "writer",
    "hand",
    "A haiku about rain on a tin roof",
    "Rain on the tin roof\nthe kettle answers slowly\nboth run out of breath",
    0,
    -0.9,
    0.9,
    0,
  ],
].map(([role, how, task, answer, utility, low, high, uses], index) => ({
  id: `l_${index}`,
  role,
  kind: "creative",
  runId: how === "hand" ? "" : "r_00001",
  taskId: "main",
  threadId: how === "hand" ? "" : "t_00001",
  task,
  answer,
  how,
  on: index !== 2,
  ready: true,
  tokens: 40 + 11 * index,
  createdAt: now() - index * 1.7 * DAY,
  utility,
  low,
  high,
  uses,
}));

export function versionRoutes({ Problem, chatOf }) {
  const get = (id) => {
    if (versions.size === 0) fill(chatOf);
    if (!versions.has(id)) throw new Problem(404, "unknown_version", `There is no version ${id}.`);
    return versions.get(id);
  };
  const lesson = (id) => {
    const found = lessons.find((one) => one.id === id);
    if (found === undefined) throw new Problem(404, "unknown_lesson", `There is no lesson ${id}.`);
    return found;
  };
  const draft = () => {
    throw new Problem(
      409,
      "nothing_to_learn",
      "There is too little to learn from.",
      "Judge some of its answers: say why, or write them as they should have been.",
    );
  };
  const move = (door, stage, why) => [
    "POST",
    new RegExp(`^/learning/versions/([^/]+)/${door}$`),
    ([id], body) => head(moved(get(id), body?.stage ?? stage, "local", why)),
  ];
  return [
    [
      "GET",
      /^\/learning\/versions$/,
      () => {
        if (versions.size === 0) fill(chatOf);
        return { versions: [...versions.values()].reverse().map(head) };
      },
    ],
    [
      "POST",
      /^\/learning\/versions$/,
      (_, { what, of, content, title }) =>
        head(add(what, of, title, "draft", "hand", "", content, what === "prompt" ? FILE : "")),
    ],
    move("start", "replay", ""),
    move("stop", "draft", ""),
    move("promote", "promoted", "by hand, before the gate had decided"),
    move("revert", "rolled_back", ""),
    [
      "PUT",
      /^\/learning\/versions\/([^/]+)\/share$/,
      ([id], { share }) => head(Object.assign(get(id), { share })),
    ],
    [
      "GET",
      /^\/learning\/versions\/([^/]+)$/,
      ([id]) => {
        const version = get(id);
        return { ...version, diff: diff(version.baseContent, version.content, version.of) };
      },
    ],
    ["PUT", /^\/learning\/versions\/([^/]+)$/, ([id], change) => head(Object.assign(get(id), change))],
    ["DELETE", /^\/learning\/versions\/([^/]+)$/, ([id]) => void versions.delete(get(id).id)],
    ["POST", /^\/learning\/(?:reflect|distil)$/, draft],
    ["GET", /^\/agents\/([^/]+)$/, ([name]) => ({ name, source: FILE.replaceAll("writer", name) })],
    [
      "GET",
      /^\/learning\/lessons$/,
      (_, __, query) => {
        const [role, words] = [query.get("role"), (query.get("query") ?? "").toLowerCase()];
        const found = lessons.filter(
          (one) => (!role || one.role === role) && `${one.task} ${one.answer}`.toLowerCase().includes(words),
        );
        const all = query.has("role") ? found : [...found, ...LESSONS];
        return { lessons: all, total: all.length };
      },
    ],
    [
      "POST",
      /^\/learning\/lessons$/,
      (_, body) => {
        const made = { ...lessons.at(-1), ...body, id: `l_${lessons.length}`, createdAt: now() };
        lessons.unshift(made);
        return made;
      },
    ],
    ["PATCH", /^\/learning\/lessons\/(.+)$/, ([id], change) => Object.assign(lesson(id), change)],
    ["DELETE", /^\/learning\/lessons\/(.+)$/, ([id]) => void lessons.splice(lessons.indexOf(lesson(id)), 1)],
  ];
}
