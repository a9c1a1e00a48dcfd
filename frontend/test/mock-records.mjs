/** Records, why they are so, what the owner chose, and who gets which tasks: as canned. */

import { whyOf } from "./mock-refinement.mjs";

const now = () => Date.now() / 1000;
const DAY = 86_400;
const PRIOR = { good: 1.2, bad: 0.8 };

/** The same numbers every time. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

function belief(good, bad) {
  const [a, b] = [good + PRIOR.good, bad + PRIOR.bad];
  const mean = a / (a + b);
  const wide = 1.645 * Math.sqrt((mean * (1 - mean)) / (a + b + 1));
  return { mean, low: Math.max(mean - wide, 0), high: Math.min(mean + wide, 1) };
}

/** [item, tasks, how good at first and at last, ms, tokens, dollars, failed] */
const ITEMS = [
  ["role:manager", 64, 0.55, 0.82, 6_400, 2_140, 0.0041, 1],
  ["role:researcher", 41, 0.7, 0.84, 9_800, 3_920, 0.0062, 0],
  ["role:writer", 33, 0.45, 0.71, 5_200, 1_870, 0.0038, 0],
  ["role:analyst", 18, 0.66, 0.6, 7_100, 2_960, 0.0055, 2],
  ["role:critic", 9, 0.6, 0.62, 2_300, 940, 0.0012, 0],
  ["role:writer-brief", 5, 0.7, 0.88, 2_900, 820, 0.0009, 0],
  ["role:coder", 1, 0.6, 0.6, 4_400, 1_310, 0.002, 0],
  ["model:embedded/qwen2.5-1.5b-instruct-q4_k_m", 71, 0.5, 0.68, 7_900, 1_900, 0, 1],
  ["model:groq/llama-3.3-70b-versatile", 48, 0.7, 0.86, 2_400, 2_600, 0.0044, 2],
  ["pattern:compare", 14, 0.6, 0.8, 24_000, 9_400, 0.021, 0],
  ["pattern:direct", 11, 0.6, 0.55, 6_100, 2_100, 0.004, 0],
  ["arm:||", 22, 0.6, 0.69, 21_000, 8_100, 0.018, 0],
  ["arm:||direct", 11, 0.6, 0.55, 6_100, 2_100, 0.004, 0],
  ["arm:manager-terse||", 6, 0.6, 0.83, 4_100, 1_200, 0.0021, 0],
  ["prompt:3f9a1c77e0b2", 40, 0.6, 0.8, 6_200, 2_100, 0.004, 0],
  ["prompt:9ce01b5512aa", 21, 0.5, 0.72, 5_100, 1_900, 0.0037, 0],
  ["memory:m_0001", 12, 0.6, 0.85, 5_300, 2_400, 0.003, 0],
  ["memory:m_0002", 7, 0.6, 0.4, 6_000, 2_200, 0.004, 1],
  ["memory:m_0003", 3, 0.6, 0.66, 4_900, 2_000, 0.003, 0],
  ["example:l_01", 8, 0.6, 0.83, 4_800, 1_700, 0.002, 0],
];

export const LESSONS = [
  { id: "l_01", task: "Write a note to the neighbours about the heat pump, friendly and short." },
];

function story([item, tasks, first, last, ms, tokens, cost, errors], context) {
  const roll = dice(item.length * 7_919 + tasks);
  const some = context === "" ? tasks : Math.floor(tasks / (context.startsWith("task:") ? 4 : 2));
  let [good, bad] = [0, 0];
  const pieces = [];
  const curve = [];
  for (let at = 0; at < some; at++) {
    const said = roll() < 0.55;
    const aim = first + ((last - first) * at) / Math.max(some - 1, 1);
    const reward = said ? (roll() < aim ? 0.96 : 0.08) : 0.6;
    const weight = said ? 1.04 : 0.15;
    good = good * 0.99 + weight * reward;
    bad = bad * 0.99 + weight * (1 - reward);
    const when = now() - (some - at) * ((9 * DAY) / some) + 3_000;
    pieces.push({ at: when, reward, weight, said });
    curve.push({ at: when, count: at + 1, ...belief(good, bad) });
  }
  return {
    pieces,
    curve,
    weight: good + bad,
    item,
    context,
    tasks: some,
    ms,
    tokens,
    cost,
    errors,
    ...belief(good, bad),
  };
}

function recordOf(found) {
  const { pieces, curve, ...record } = found;
  const step = Math.max(1, Math.ceil(curve.length / 60));
  return {
    ...record,
    count: record.tasks,
    newestAt: curve.at(-1)?.at ?? 0,
    curve: curve.filter((_, at) => at === curve.length - 1 || at % step === 0),
  };
}

const heard = (name, kind, value, counts, why, means) => ({
  name,
  kind,
  value,
  weight: counts,
  counts,
  at: now(),
  why,
  means,
});
const ENDED = ["ended", "automatic", 0.6, 0.1, "it came to its end", "0 it failed, 0.6 it came to its end"];
const LATENCY = ["latency", "automatic", 0.9, 0.03, "1 / (1 + seconds / 60)", "1 / (1 + seconds / 60)"];
const REASONS = ["just right", "thumb up or down, or anything between", "the figures are what I asked for"];
const AGAINST = ["too long", "it left out the costs", "thumb up or down, or anything between"];
const THUMB = "thumb up or down, or anything between";

function whyRuns(found, runs) {
  const known = [...runs.values()].map(({ id, threadId }) => ({ runId: id, threadId }));
  return found.pieces
    .map(({ at, reward, weight, said }, index) => {
      const good = reward > 0.5;
      const thumb = heard("thumb", "explicit", good ? 1 : 0, 1, (good ? REASONS : AGAINST)[index % 3], THUMB);
      return {
        ...(known[index % Math.max(known.length, 1)] ?? { runId: `r_${index}`, threadId: "t_00001" }),
        taskId: found.context.startsWith("task:") ? "2" : "main",
        at,
        reward,
        weight,
        now: weight * 0.99 ** (found.pieces.length - index - 1),
        share: found.item.startsWith("memory:") ? 0.5 : 1,
        signals: [...(said ? [thumb] : []), heard(...ENDED), heard(...LATENCY)],
      };
    })
    .reverse();
}

// ── what the owner chose ─────────────────────────────────────────────────────────────────────────────────────────

const TABLE = [
  ["thumb", "explicit", 1, THUMB],
  ["edited", "explicit", 0.9, "the share of the answer's words that its owner kept"],
  ["preferred", "explicit", 0.8, "chosen over another answer of the same turn"],
  ["passed_over", "explicit", 0.8, "another answer of the same turn was chosen"],
  ["route", "explicit", 0.4, "1 the kind of the task was confirmed, 0 it was corrected"],
  ["plan", "explicit", 0.4, "1 the plan was approved as it was, 0.3 changed, 0 declined"],
  ["corrected", "implicit", 0.5, "the next message says that it was wrong"],
  ["retried", "implicit", 0.4, "it was asked again"],
  ["resent", "implicit", 0.3, "the question was put in other words"],
  ["stopped", "implicit", 0.3, "it was stopped"],
  ["copied", "implicit", 0.3, "the answer was copied"],
  ["critic", "automatic", 0.15, "1 a critic accepted it, 0 sent it back"],
  ["done_when", "automatic", 0.1, "1 it was done as its plan says when, as a critic or the next step found"],
  ["ended", "automatic", 0.1, "0 it failed, 0.6 it came to its end"],
  ["schema", "automatic", 0.05, "the share of answers that were of the form asked for"],
  ["tools", "automatic", 0.05, "the share of tool calls that went well"],
  ["latency", "automatic", 0.03, "1 / (1 + seconds / 60)"],
  ["cost", "automatic", 0.02, "1 / (1 + US dollars / 0.05)"],
];
let chosen = { on: true, exploration: null, time: 0.05, money: 0, weights: {} };

function preferences() {
  const { on, exploration, time, money, weights } = chosen;
  return {
    on,
    allowed: true,
    exploration: exploration ?? 0.1,
    ownExploration: exploration,
    time,
    money,
    signals: TABLE.map(([name, kind, usual, means]) => ({
      name,
      kind,
      weight: weights[name] ?? usual,
      usual,
      means,
    })),
  };
}

// ── who gets which tasks ─────────────────────────────────────────────────────────────────────────────────────────

function arm(id, good, bad, share, prior, priorFrom, more = {}) {
  const [role, model, pattern] = id.split("|");
  const who = { role: role || more.base, model: model || "embedded/qwen2.5-1.5b-instruct-q4_k_m", pattern };
  const figures = { cost: 0, ms: 6_200, money: 0.003, ...more };
  return {
    id,
    usual: id === "||",
    ...who,
    ...belief(good, bad),
    weight: good + bad,
    count: Math.round(good + bad),
    share,
    prior,
    priorFrom,
    ...figures,
  };
}

function routed(role, context, runs) {
  const lately = { choices: 62, explored: 4, budget: 0.1, waits: false };
  const base = { base: role };
  const any = "as of any answer (0.58)";
  const arms = [
    arm("||", 15.2, 7.1, 0.11, 0.6, `${any}, it is the usual one (+0.02)`, base),
    arm(
      "|groq/llama-3.3-70b-versatile|",
      21.4,
      3.6,
      0.86,
      0.61,
      `${any}, other arms with its role, model or pattern (+0.03)`,
      {
        ...base,
        cost: 0.02,
        ms: 2_400,
        money: 0.0044,
      },
    ),
    arm("||direct", 4.1, 3.3, 0.02, 0.58, any, { ...base, ms: 3_900 }),
    arm(
      "manager-terse||",
      0,
      0,
      0.01,
      0.55,
      `${any}, its description is further from such tasks than others' (-0.03)`,
      {
        ms: null,
        money: null,
      },
    ),
  ];
  const known = [...runs.values()];
  const choices = Array.from({ length: 12 }, (_, at) => ({
    runId: known[at % known.length]?.id ?? `r_${at}`,
    threadId: known[at % known.length]?.threadId ?? "t_00001",
    taskId: "main",
    at: now() - 900 - at * 5_400,
    chosen: arms[at % 5 === 3 ? 2 : at % 4 === 1 ? 0 : 1].id,
    propensity: at % 5 === 3 ? 0.02 : at % 4 === 1 ? 0.14 : 0.86,
    by: at % 5 === 3 ? "explored" : "learned",
    reward: at % 3 === 0 ? null : at % 5 === 3 ? 0.12 : 0.94,
  }));
  if (role !== "manager") {
    const alone = {
      arms: [arm("||", 9, 5, 1, 0.6, `${any}, it is the usual one (+0.02)`, base)],
      choices: [],
    };
    return {
      on: chosen.on,
      role,
      context: `task:${role}`,
      contexts: [`task:${role}`],
      lately: { ...lately, choices: 0, explored: 0 },
      ...alone,
    };
  }
  const contexts = ["chat", "creative", "analytical"];
  return { on: chosen.on, role, context: context || "analytical", contexts, lately, arms, choices };
}

export function recordRoutes({ Problem, runs, chatOf }) {
  const find = (item, context) =>
    story(ITEMS.find(([name]) => name === item) ?? [item, 0, 0.6, 0.6, 0, 0, 0, 0], context);
  return [
    ["GET", /^\/learning$/, preferences],
    [
      "PUT",
      /^\/learning$/,
      (_, body) => {
        if (body.exploration > 1) throw new Problem(422, "invalid_field", "exploration is out of bounds.");
        chosen = body;
        return preferences();
      },
    ],
    [
      "GET",
      /^\/learning\/records$/,
      (_, __, query) => {
        const context = query.get("context") ?? "";
        const found = ITEMS.filter(([item]) => item.startsWith(`${query.get("what")}:`))
          .map((each) => story(each, context))
          .filter(({ tasks }) => tasks > 0)
          .sort((one, other) => other.weight - one.weight);
        return { records: found.map(recordOf).slice(0, Number(query.get("limit"))), total: found.length };
      },
    ],
    [
      "GET",
      /^\/learning\/why$/,
      (_, __, query) => {
        const asked = query.get("item") ?? "";
        if (!ITEMS.some(([item]) => item === asked)) return whyOf(asked, chatOf);
        const found = find(asked, query.get("context") ?? "");
        const { item, context, mean, low, high, weight } = found;
        const all = whyRuns(found, runs);
        const more = { changed: item === "memory:m_0002", priorMean: 0.6, priorWeight: 2, total: all.length };
        return {
          item,
          context,
          mean,
          low,
          high,
          weight,
          ...more,
          runs: all.slice(0, Number(query.get("limit"))),
        };
      },
    ],
    ["GET", /^\/learning\/router$/, (_, __, query) => routed(query.get("role"), query.get("context"), runs)],
  ];
}
