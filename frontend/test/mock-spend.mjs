// Of the mock server: what prompts are made of, answers from the cache, spend and budgets, endpoints that come and go.
//
// What a message says beside this decides what happens: "tight" (a small window, so that much is left out), "cached" and
// "alike" (an answer from the cache), "failover" (an endpoint breaks off and another goes on), "budget" (it ends where its
// budget does), "warned" (most of a budget is used).

const ROOMY = [
  { name: "role", tokens: 118 },
  { name: "learned", tokens: 64 },
  { name: "tools", tokens: 231, ref: "calculator,read_page" },
  { name: "summary", tokens: 180, ref: "r_00001" },
  { name: "history", tokens: 640 },
];

/** What the task's agent was reminded of. */
function memoriesOf(run, task) {
  const hits = run.reminded.get(task) ?? [];
  return hits.map(({ id, tokens }) => ({ name: "memory", tokens: tokens + 6, ref: id }));
}

export function sectionsOf(run, task) {
  const results = task === "main" && run.events.some(({ type }) => type === "SUBAGENT_FINISHED");
  const own = { name: "task", tokens: Math.ceil(run.text.length / 4) };
  if (!results) return [...(task === "main" ? ROOMY : ROOMY.slice(0, 3)), ...memoriesOf(run, task), own];
  const found = ["1", "2", "3"].map((ref) => ({ name: "result", tokens: 210 + 90 * Number(ref), ref }));
  if (/tight/.test(run.text)) found[1].chars = 900;
  return [ROOMY[0], ...found, { name: "message", tokens: 31, ref: "12" }, own];
}

export const windowOf = (run) =>
  /tight/.test(run.text) ? { contextWindow: 2048, reserve: 512 } : { contextWindow: 8192, reserve: 2048 };

/** What had no room, before the prompt was sent. */
export function trimsOf(run, messageId) {
  if (!/tight/.test(run.text)) return [];
  return [
    { rung: "duplicates", tokens: 84, refs: ["memory m_old"], detail: "said elsewhere in the prompt" },
    {
      rung: "memories",
      tokens: 212,
      refs: ["memory m_7", "memory m_9", "example 3"],
      detail: "the least useful ones",
    },
    {
      rung: "summary",
      tokens: 3480,
      refs: ["r_1", "r_2"],
      detail: "12 earlier turns left out; their summary stands for them",
    },
    { rung: "results", tokens: 640, refs: ["tool 3#1"], detail: "shortened in the middle" },
  ].map((note) => ({ messageId, ...note }));
}

export function cacheOf(run) {
  if (!/cached|alike/.test(run.text) || run.fresh) return null;
  const saved = { saved_input_tokens: 812, saved_output_tokens: 392, saved_ms: 3204, saved_cost: 0.00412 };
  if (/cached/.test(run.text)) return { source: "exact", run_id: "r_00001", age_s: 7300, ...saved };
  const question = "How does a rainbow come about?";
  return { source: "semantic", run_id: "r_00001", age_s: 412, question, score: 0.943, ...saved };
}

/** What the run said of its budgets. */
export function budgetsOf(run) {
  if (/warned/.test(run.text)) return [{ what: "money", limit: 2, used: 1.71, warning: true, scope: "day" }];
  if (run.tokens > 0) return [{ what: "tokens", limit: run.tokens, used: run.tokens + 12, scope: "run" }];
  return /budget/.test(run.text) ? [{ what: "tokens", limit: 20_000, used: 20_412, scope: "thread" }] : [];
}

const limits = {
  day: { tokens: 500_000, seconds: 0, money: 2 },
  thread: { tokens: 20_000, seconds: 0, money: 0 },
  owner: { tokens: 0, seconds: 0, money: 25 },
  run: { tokens: 60_000, seconds: 600, money: 0.25 },
};
const used = {
  day: { tokens: 184_210, seconds: 1512, money: 1.71 },
  thread: { tokens: 20_412, seconds: 96, money: 0.0412 },
  owner: { tokens: 4_812_900, seconds: 61_400, money: 18.42 },
  run: { tokens: 0, seconds: 0, money: 0 },
};

export function spendOf(thread) {
  const scopes = Object.keys(limits)
    .filter((scope) => scope !== "thread" || thread)
    .map((scope) => {
      const of = (what) => ({ used: used[scope][what], limit: limits[scope][what] });
      return { scope, tokens: of("tokens"), seconds: of("seconds"), money: of("money") };
    });
  const days = Array.from({ length: 24 }, (_, at) => {
    const day = new Date(Date.now() - (23 - at) * 86_400_000).toISOString().slice(0, 10);
    const busy = at % 7 === 2 ? 0 : 40 + 55 * Math.abs(Math.sin(at * 1.7)) + at * 3;
    const inputTokens = Math.round(busy * 1400);
    const outputTokens = Math.round(busy * 380);
    const more = { cachedTokens: Math.round(inputTokens * 0.6), savedTokens: Math.round(busy * 90) };
    return {
      day,
      inputTokens,
      outputTokens,
      ...more,
      seconds: busy * 9,
      money: busy / 96,
      calls: Math.round(busy / 3),
    };
  });
  const models = [
    { model: "groq/llama-3.3-70b", inputTokens: 2_104_221, outputTokens: 401_230, money: 11.84, calls: 2210 },
    {
      model: "openrouter/llama-3.3-70b",
      inputTokens: 804_110,
      outputTokens: 140_020,
      money: 6.58,
      calls: 801,
    },
    { model: "ollama/qwen3:8b", inputTokens: 902_400, outputTokens: 210_300, money: 0, calls: 1904 },
    { model: "embedded/smollm2-135m", inputTokens: 210_019, outputTokens: 40_600, money: 0, calls: 702 },
  ];
  return { currency: "USD", warnAt: 0.8, scopes, days, models };
}

export function setBudget({ scope, threadId: _, ...change }) {
  Object.assign(limits[scope], change);
  return spendOf(scope === "thread");
}

const cache = {
  exact: true,
  semantic: true,
  threshold: 0.92,
  ttlHours: 168,
  entries: 412,
  bytes: 3_812_004,
  maxBytes: 67_108_864,
  hits: 1204,
  misses: 4411,
  savedTokens: 1_320_412,
  savedMs: 5_204_000,
  savedCost: 3.912,
};
export const cacheReport = () => cache;
export const setCache = (change) => Object.assign(cache, change);
export const clearCache = () => Object.assign(cache, { entries: 0, bytes: 0 });

const QUIET = {
  active: 0,
  queued: 0,
  limit: 0,
  breaker: "closed",
  retryAt: 0,
  weight: 1,
  calls: 0,
  errors: 0,
  lastError: "",
  firstTokenP50Ms: 0,
  firstTokenP95Ms: 0,
  tokensPerS: 0,
  price: { input: 0, output: 0 },
};

/** Figures of an endpoint, by its name: some are made up, some are new. */
export function healthOf(name) {
  const known = {
    embedded: { limit: 1, calls: 41, firstTokenP50Ms: 620, firstTokenP95Ms: 1480, tokensPerS: 94 },
    groq: {
      active: 3,
      limit: 8,
      queued: 2,
      weight: 2,
      calls: 124,
      errors: 1,
      firstTokenP50Ms: 182,
      firstTokenP95Ms: 640,
      tokensPerS: 312,
      price: { input: 0.59, output: 0.79 },
    },
    openrouter: {
      limit: 4,
      calls: 31,
      errors: 9,
      breaker: "open",
      retryAt: Date.now() / 1000 + 42,
      lastError: "openrouter failed (HTTP 503): no healthy upstream",
      firstTokenP50Ms: 710,
      firstTokenP95Ms: 2900,
      tokensPerS: 58.2,
      price: { input: 0.9, output: 0.9 },
    },
  }[name];
  return { ...QUIET, ...known };
}

export const POOLED = [
  ["groq", "https://api.groq.com/openai/v1"],
  ["openrouter", "https://openrouter.ai/api/v1"],
].map(([name, baseUrl]) => ({
  name,
  baseUrl,
  hasKey: true,
  kind: "remote",
  state: "ready",
  detail: "",
  source: "file",
}));
const LLAMA = { name: "llama-3.3-70b", contextWindow: 131_072, tiny: false, loaded: true };
export const POOL_MODELS = [
  ...POOLED.map(({ name }) => ({
    ...LLAMA,
    id: `${name}/${LLAMA.name}`,
    endpoint: name,
    kind: "remote",
    members: [],
    price: healthOf(name).price,
  })),
  {
    ...LLAMA,
    id: `pool/${LLAMA.name}`,
    endpoint: "pool",
    kind: "pool",
    members: POOLED.map(({ name }) => name),
    price: { input: 0.59, output: 0.79 },
  },
];

export function testOf({ name, baseUrl }) {
  const failed = { ok: false, models: [], model: "", firstTokenMs: 0, tokensPerS: 0, said: "" };
  if (name === "openrouter")
    return {
      ...failed,
      error: { code: "endpoint_failed", message: "openrouter failed (HTTP 503): no healthy upstream." },
    };
  if (baseUrl && !/127\.0\.0\.1:11434|groq/.test(baseUrl)) {
    const message = `${baseUrl} refused the key (HTTP 401).`;
    const hint = "Look whether the key is complete and still valid.";
    return { ...failed, error: { code: "endpoint_unauthorized", message, hint } };
  }
  const models = ["llama-3.3-70b", "llama-3.1-8b", "qwen3-32b"];
  const figures = { firstTokenMs: 184, tokensPerS: 306.4, said: "Hello! I am ready." };
  return { ok: true, models, model: models[0], ...figures, error: null };
}
