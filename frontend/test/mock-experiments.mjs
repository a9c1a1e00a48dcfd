// Of the mock server: experiments in every state, one with a verdict, and two to compare.

const HOUR = 3600;
const now = () => Date.now() / 1000;
const experiments = new Map();
let counter = 0;

function add(name, state, states, more = {}) {
  const id = `e_${String(++counter).padStart(4, "0")}`;
  const half = (at) =>
    Object.fromEntries(
      Object.entries(states).map(([key, n]) => [key, at === 0 ? Math.ceil(n / 2) : Math.floor(n / 2)]),
    );
  const created = now() - (7 - counter) * 5 * HOUR;
  experiments.set(id, {
    id,
    name,
    state,
    createdAt: created,
    startedAt: state === "draft" ? null : created + 60,
    endedAt: state === "done" ? created + 900 : null,
    error: "",
    variants: ["as usual", "brief"],
    baseline: "as usual",
    evaluators: ["regex", "judge", "human"],
    rows: 40,
    seeds: 1,
    money: 0,
    states,
    progress: { "as usual": half(0), brief: half(1) },
    busy: state === "running" ? 2 : 0,
    cost: state === "draft" ? 0 : 0.1834,
    spec: { name, evaluators: [{ type: "regex" }, { type: "judge" }, { type: "human" }] },
    ...more,
  });
  return id;
}

add("Short or long", "done", { scored: 78, failed: 2 });
add("Short or long, with notes", "done", { scored: 80 });
add("Another model", "running", { scored: 31, answered: 4, running: 2, waiting: 43 });
add(
  "Memory or none",
  "paused",
  { scored: 22, waiting: 58 },
  {
    money: 0.15,
    error: "It has cost $0.1834 of the $0.15 that it may.",
  },
);
add("Warmer", "draft", { waiting: 80 });

const paired = (n, base, difference, half, dZ, p) => ({
  n,
  base,
  other: base + difference,
  difference,
  low: difference - half,
  high: difference + half,
  dZ,
  delta: dZ / 2,
  p,
  leftOut: 0,
  why: "",
});
const compared = (evaluator, base, variant, found, pHolm, more, better, words) => ({
  evaluator,
  base,
  variant,
  found,
  slices: {
    numbers: paired(20, found.base - 0.05, found.difference + 0.06, 0.19, 0.6, 0.02),
    places: paired(20, found.base + 0.05, found.difference - 0.06, 0.16, 0.3, 0.2),
  },
  pHolm,
  more,
  better,
  words,
});
const SURE = compared(
  "regex",
  "as usual",
  "brief",
  paired(40, 0.55, 0.2, 0.13, 0.52, 0.004),
  0.008,
  512,
  "brief",
  "regex: brief is better than as usual by 20.0 points (7.0 to 33.0) on 40 tasks; chance alone gives as much in 0.8 % of cases, effect 0.52 standard deviations.",
);
const OPEN = compared(
  "judge",
  "as usual",
  "brief",
  paired(38, 0.5, 0.04, 0.11, 0.12, 0.51),
  0.51,
  140,
  "",
  "judge: no difference can be told between as usual and brief: +4.0 points (-7.0 to 15.0) on 38 tasks; you need about 140 more tasks to see 5 points.",
);
const figures = (variant, scores, failed) => ({
  variant,
  runs: 40,
  failed,
  waiting: 0,
  scores,
  unscored: failed > 0 ? { judge: 1 } : {},
  ms: variant === "brief" ? 840 : 2310,
  tokens: variant === "brief" ? 21_400 : 58_900,
  cost: variant === "brief" ? 0.0512 : 0.1322,
  errors: failed > 0 ? { deadline: failed } : {},
});
const RESULTS = {
  figures: [
    figures("as usual", { regex: 0.55, judge: 0.5, human: null }, 0),
    figures("brief", { regex: 0.75, judge: 0.54, human: null }, 2),
  ],
  comparisons: [SURE, OPEN],
  judges: [
    { judge: "judge", pairs: 38, none: 1, firstPlace: 3, secondPlace: 1, both: 12, agree: 0.83, kappa: 0.61 },
  ],
  verdict: ["2 of 80 runs failed; each counts as 0 points.", SURE.words, OPEN.words],
  winner: "brief",
};
const PAIR = {
  key: "1.3.0",
  task: "How many minutes are in an hour?",
  expected: "60",
  one: "There are 60 minutes in an hour, as an hour is divided into sixty equal parts.",
  other: "60",
  left: 26,
};

function runsOf(one, query) {
  const wanted = query.get("variant") ?? "";
  const state = query.get("state") ?? "";
  const all = one.variants.flatMap((variant) =>
    [1, 2, 3, 4].map((row) => ({
      variant,
      row,
      seed: 0,
      slice: row % 2 ? "places" : "numbers",
      state: variant === "brief" && row === 4 ? "failed" : "scored",
      task: [
        "",
        "What is the capital of France?",
        "How many minutes are in an hour?",
        "What is the capital of Italy?",
        "How many legs has a spider?",
      ][row],
      answer: variant === "brief" && row === 4 ? "" : ["", "Paris", "60", "Rome", "8"][row],
      error:
        variant === "brief" && row === 4 ? "deadline: It was not done after 120 s, and was stopped." : "",
      scores: { regex: 1 },
      why: {},
      ms: 700 + 130 * row,
      tokens: 420,
      cost: 0.0012,
      runId: "",
      threadId: "",
    })),
  );
  const runs = all.filter((run) => (!wanted || run.variant === wanted) && (!state || run.state === state));
  return { total: runs.length, runs };
}

export function experimentRoutes({ Problem }) {
  const get = (id) => {
    const one = experiments.get(id);
    if (!one)
      throw new Problem(
        404,
        "unknown_experiment",
        `There is no experiment '${id}'.`,
        "It may have been deleted.",
      );
    return one;
  };
  const become = (id, state) =>
    Object.assign(get(id), { state, busy: state === "running" ? 2 : 0, error: "" });
  const between = ({ a, b }) => {
    const heads = [`brief of ${get(a).name}`, `brief of ${get(b).name}`];
    const words = SURE.words
      .replace("than as usual", `than ${heads[0]}`)
      .replace("brief is", `${heads[1]} is`);
    return { comparisons: [{ ...SURE, base: heads[0], variant: heads[1], better: heads[1], words }] };
  };
  return [
    ["GET", /^\/experiments$/, () => ({ experiments: [...experiments.values()].reverse() })],
    [
      "POST",
      /^\/experiments\/check$/,
      () => ({ problems: [], notes: [], cells: 80, runs: 160, tokens: 92_000, money: 0.21 }),
    ],
    ["POST", /^\/experiments\/compare$/, (_, body) => between(body)],
    [
      "POST",
      /^\/experiments\/data$/,
      () => ({ rows: 1, data: '{"task": "What is the capital of France?"}\n' }),
    ],
    [
      "POST",
      /^\/experiments$/,
      (_, body) => get(add(body.spec?.name ?? "Of a file", "draft", { waiting: 80 })),
    ],
    ["GET", /^\/experiments\/([^/]+)$/, ([id]) => get(id)],
    ["DELETE", /^\/experiments\/([^/]+)$/, ([id]) => void experiments.delete(get(id).id)],
    ["GET", /^\/experiments\/([^/]+)\/results$/, ([id]) => get(id) && RESULTS],
    ["GET", /^\/experiments\/([^/]+)\/runs$/, ([id], _, query) => runsOf(get(id), query)],
    ["GET", /^\/experiments\/([^/]+)\/next-pair$/, ([id]) => get(id) && { pair: PAIR }],
    ["POST", /^\/experiments\/([^/]+)\/verdicts$/, () => ({ left: 25 })],
    ["POST", /^\/experiments\/([^/]+)\/start$/, ([id]) => become(id, "running")],
    ["POST", /^\/experiments\/([^/]+)\/pause$/, ([id]) => become(id, "paused")],
    ["POST", /^\/experiments\/([^/]+)\/cancel$/, ([id]) => become(id, "canceled")],
    ["POST", /^\/experiments\/([^/]+)\/promote$/, () => ({ versions: ["v_0001"] })],
  ];
}
