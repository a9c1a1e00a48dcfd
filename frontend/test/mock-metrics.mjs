// Metrics of the mock server: figures that a function of time makes up, with days and nights, a spike and gaps, the
// same whenever they are asked for. A cookie says what else may be: `metrics=fresh` (nothing was asked yet), `off`,
// `failing`, `guest` (no administrator).

const RANGES = {
  "5m": [300, 1],
  "1h": [3600, 10],
  "6h": [21600, 60],
  "24h": [86400, 300],
  "7d": [604800, 1800],
};
const BEGAN = Math.floor(Date.now() / 1000);
const PERCENTILES = ["response", "first_token", "call", "recall", "request", "db_write"];
const TITLES = {
  response: ["Response", "answers"],
  first_token: ["First token", "answers"],
  call: ["Model call", "models"],
  recall: ["Recall", "memory"],
  request: ["Request", "server"],
  db_write: ["Write", "resources"],
};
const [P50, P95, P99] = [50, 95, 99];

/** From 0 to 1, the same for the same two. */
function noise(seed, at) {
  const raw = Math.sin(at * 12.9898 + seed * 78.233) * 43758.5453;
  return raw - Math.floor(raw);
}
/** Slow, middling and quick turns together, around 0, between about -1 and 1. */
function turns(seed, at) {
  return (
    0.5 * Math.sin(at / 97 + seed) +
    0.3 * Math.sin(at / 31 + 2 * seed) +
    0.4 * (noise(seed, Math.floor(at)) - 0.5)
  );
}
/** Little at night, most in the afternoon. */
function day(at) {
  return 0.5 - 0.45 * Math.cos(((at / 3600 - 2) / 24) * 2 * Math.PI);
}
/** A few minutes of trouble: one in the last five minutes of the start, one each day. */
function trouble(at) {
  const near = Math.exp(-(((at - BEGAN + 95) / 14) ** 2));
  const daily = Math.exp(-((((at % 86400) - 47_000) / 900) ** 2));
  const hourly = Math.exp(-((((at % 3600) - 1400) / 70) ** 2));
  return Math.min(1, near + 0.8 * daily + 0.5 * hourly);
}
/** Nothing was measured: the server was off for a while each day, and is young in the range of a week. */
const isGap = (at) => at % 86400 > 13_000 && at % 86400 < 15_400;

function spread(name, base, seed, at, hard) {
  const load = 0.6 + 0.5 * day(at) + 0.25 * turns(seed, at);
  const p50 = base * load * (1 + 0.8 * hard);
  return {
    [`${name}_p50_ms`]: p50,
    [`${name}_p95_ms`]: p50 * (2.1 + 0.5 * noise(seed + 1, Math.floor(at)) + 2.5 * hard),
    [`${name}_p99_ms`]: p50 * (3.0 + 0.9 * noise(seed + 2, Math.floor(at)) + 4.5 * hard),
  };
}

/** What the machine does, asked or not. */
function idle(at, isFresh) {
  const busy = isFresh ? 0.02 : day(at) * (0.7 + 0.4 * turns(9, at)) + 0.3 * trouble(at);
  return {
    runs_running: isFresh ? 0 : Math.max(0, Math.round(6 * busy + 2 * turns(2, at))),
    tasks_running: isFresh ? 0 : Math.max(0, Math.round(9 * busy + 2 * turns(3, at))),
    tasks_queued: isFresh ? 0 : Math.max(0, Math.round(14 * trouble(at) + 2 * turns(4, at) - 0.6)),
    endpoints_down: !isFresh && trouble(at) > 0.75 ? 1 : 0,
    memories: isFresh ? 0 : 4_180 + Math.round((at - BEGAN) / 90),
    memories_waiting: isFresh ? 0 : Math.max(0, Math.round(5 * trouble(at) + 2 * turns(5, at) - 0.9)),
    connections: isFresh ? 1 : Math.max(1, Math.round(22 * day(at) + 4 * turns(6, at) + 3)),
    requests: isFresh ? 0.4 : Math.max(0.2, 9 * day(at) + 2.5 * turns(7, at) + 1),
    request_errors: 0,
    refused: isFresh ? 0 : Math.round(5 * trouble(at) * noise(8, Math.floor(at))),
    errors: !isFresh && noise(11, Math.floor(at)) > 0.985 - 0.2 * trouble(at) ? 1 : 0,
    ...spread("request", 4.2, 12, at, 0.4 * trouble(at)),
    ...spread("db_write", 1.6, 13, at, 0.6 * trouble(at)),
    loop_lag_ms: 1.1 + 1.2 * busy + 26 * trouble(at) * noise(14, Math.floor(at)),
    gc_pause_ms: 3.4 + 2.5 * noise(15, Math.floor(at / 4)) + 6 * trouble(at),
    db_queue: Math.max(0, Math.round(9 * trouble(at) + turns(16, at))),
    cpu: 4 + 46 * busy + 8 * noise(17, Math.floor(at)),
    rss: 214 + 22 * day(at) + 3 * turns(18, at),
    files: Math.round(58 + 24 * day(at) + 3 * turns(19, at)),
    threads: 19 + Math.round(3 * busy),
    model_cpu: isFresh ? 0.4 : Math.max(0.3, 170 * busy + 12 * turns(20, at)),
    model_rss: 388 + 4 * turns(21, at / 9),
    model_files: 14,
    embedder_cpu: isFresh ? 0.1 : Math.max(0.1, 18 * busy + 5 * turns(22, at)),
    embedder_rss: 162 + 2 * turns(23, at / 7),
    embedder_files: 17,
    disk_free: 214_000 - (at - BEGAN) / 240,
  };
}

/** What was measured in the second, or the interval of `step` seconds, that ended then; null: nothing. */
function measured(at, step, isFresh) {
  if (isFresh ? at < BEGAN - 40 : step > 1 && isGap(at)) return null;
  if (isFresh) return idle(at, true);
  const [hard, busy] = [trouble(at), day(at) * (0.8 + 0.4 * turns(1, at))];
  const sum = (perSecond, seed) => {
    const mean = Math.max(0, perSecond * step);
    return Math.floor(mean) + (noise(seed, Math.floor(at)) < mean % 1 ? 1 : 0);
  };
  const hasAnswers = step > 1 || noise(30, Math.floor(at / 3)) < 0.35 + busy;
  const calls = sum(1.4 * busy + 0.1, 33);
  const values = {
    ...idle(at, false),
    ...(hasAnswers
      ? { ...spread("response", 1900, 24, at, hard), ...spread("call", 820, 25, at, hard) }
      : {}),
    ...(hasAnswers ? spread("first_token", 230, 26, at, hard) : {}),
    ...(hasAnswers ? spread("recall", 14, 27, at, 0.2 * hard) : {}),
    tokens_out: Math.max(0, 150 * busy + 40 * turns(28, at) - 50 * hard),
    tokens_in: Math.max(0, 560 * busy + 130 * turns(29, at)),
    runs_started: sum(0.35 * busy + 0.03, 31),
    runs_finished: sum(0.33 * busy + 0.03, 32),
    runs_failed: sum(0.004 + 0.11 * hard, 34),
    calls,
    call_errors: sum(0.01 + 0.2 * hard, 35),
    cost: calls * 0.00042 * (0.7 + 0.6 * noise(36, Math.floor(at))),
    cache_hits: sum(0.3 * busy, 37),
    cache_misses: sum(0.9 * busy + 0.05, 38),
  };
  return values;
}

function spanOf(query) {
  const [seconds, step] = RANGES[query.get("range") ?? "5m"];
  const [since, until] = [Number(query.get("since")), Number(query.get("until"))];
  if (until > since && since > 0) {
    const finest = Object.values(RANGES).find(([long]) => long >= until - since) ?? RANGES["7d"];
    return { since, until, step: finest[1] };
  }
  const end = Math.floor(Date.now() / 1000);
  return { since: end - seconds, until: end, step };
}

function seriesOf(query, isFresh) {
  const { since, until, step } = spanOf(query);
  const at = [];
  for (let end = Math.ceil(since / step) * step; end <= until; end += step) if (end > since) at.push(end);
  const rows = at.map((end) => measured(end, step, isFresh));
  const names = [...METRICS.keys()];
  const series = Object.fromEntries(names.map((name) => [name, rows.map((row) => row?.[name] ?? null)]));
  return { since, until, step, at, series };
}

const SUMS = new Set(
  "runs_started runs_finished runs_failed calls call_errors cost cache_hits cache_misses request_errors refused errors".split(
    " ",
  ),
);

function summed(since, until, isFresh) {
  const step = Math.max(1, Math.round((until - since) / 300));
  const sums = {};
  let [rows, last] = [0, {}];
  for (let at = since + step; at <= until; at += step) {
    const row = measured(at, step, isFresh);
    if (row === null) continue;
    rows += 1;
    last = row;
    for (const [name, value] of Object.entries(row)) {
      const before = sums[name] ?? { sum: 0, count: 0 };
      sums[name] = { sum: before.sum + value, count: before.count + 1 };
    }
  }
  if (rows === 0) return {};
  const values = {};
  for (const [name, { sum, count }] of Object.entries(sums))
    values[name] = SUMS.has(name) ? sum : METRICS.get(name)?.what === "level" ? last[name] : sum / count;
  return values;
}

const use = (name, share, p50, more = {}) => ({ name, share, p50, more });
const AGENTS = [
  use("manager", 0.34, 510),
  use("researcher", 0.24, 940),
  use("writer", 0.16, 1480),
  use("analyst", 0.13, 1120),
  use("coder", 0.08, 1310),
  use("critic", 0.05, 620),
];
const MODELS = [
  use("llama-3.3-70b", 0.61, 1020),
  use("smollm2-135m", 0.28, 460),
  use("qwen3:8b", 0.11, 1380),
];
const ENDPOINTS = [
  use("groq", 0.44, 640),
  use("embedded", 0.28, 460),
  use("together", 0.17, 1490),
  use("ollama", 0.11, 1380),
];
const ROUTES = [
  ["GET /api/threads", 0.31, 3.1],
  ["GET /api/models", 0.22, 2.2],
  ["GET /api/metrics/dashboard", 0.17, 8.4],
  ["GET /api/memories", 0.12, 11.5],
  ["GET /api/runs/{run_id}/entries", 0.09, 4.7],
  ["POST /api/v1/chat/completions", 0.05, 1890],
  ["PUT /api/knowledge", 0.04, 64],
];

function tables(values, isFresh) {
  const calls = values.calls ?? 0;
  if (isFresh || calls === 0) return { agents: [], models: [], endpoints: [] };
  const seconds = (values.tokens_out ?? 0) > 0 ? 1 : 0;
  const rowOf = ({ name, share, p50 }, index) => ({
    name,
    calls: Math.round(calls * share),
    errors: Math.round((values.call_errors ?? 0) * share * (index === 1 ? 1.8 : 0.6)),
    runs: Math.round(calls * share * 0.6),
    firstTokenP50Ms: p50 * 0.28,
    firstTokenP95Ms: p50 * 0.71,
    p50Ms: p50,
    p95Ms: p50 * 2.6,
    inputTokens: Math.round(calls * share * 640),
    outputTokens: Math.round(calls * share * 148),
    tokensPerS: seconds * (96 - index * 11.3),
    cost:
      name === "embedded" || name === "smollm2-135m" || name === "ollama" ? 0 : (values.cost ?? 0) * share,
    cacheHits: Math.round((values.cache_hits ?? 0) * share),
  });
  return { agents: AGENTS.map(rowOf), models: MODELS.map(rowOf), endpoints: ENDPOINTS.map(rowOf) };
}

function dashboardOf(query, isFresh) {
  const { since, until } = spanOf(query);
  const values = summed(since, until, isFresh);
  const all = Math.round((values.requests ?? 0) * (until - since));
  return {
    since,
    until,
    values,
    before: summed(2 * since - until, since, isFresh),
    ...tables(values, isFresh),
    routes: ROUTES.map(([route, share, p50], index) => ({
      route,
      requests: Math.round(all * share),
      errors: index === 3 && !isFresh ? 2 : 0,
      p50Ms: p50,
      p95Ms: p50 * 2.4,
      p99Ms: p50 * 4.1,
    })).filter(({ requests }) => requests > 0),
    metrics: [...METRICS.values()],
  };
}

const METRICS = new Map();
function metric(name, title, unit, what, group) {
  METRICS.set(name, { name, title, unit, what, group, description: `${title}.` });
}
for (const name of PERCENTILES)
  for (const share of [P50, P95, P99])
    metric(`${name}_p${share}_ms`, `${TITLES[name][0]}, p${share}`, "ms", "percentile", TITLES[name][1]);
metric("tokens_out", "Tokens written", "tokens/s", "rate", "answers");
metric("tokens_in", "Tokens read", "tokens/s", "rate", "answers");
metric("runs_started", "Runs begun", "count", "sum", "runs");
metric("runs_finished", "Runs ended", "count", "sum", "runs");
metric("runs_failed", "Runs failed", "count", "sum", "runs");
metric("runs_running", "Running", "count", "level", "runs");
metric("tasks_running", "Tasks at work", "count", "level", "runs");
metric("tasks_queued", "Tasks waiting", "count", "level", "runs");
metric("calls", "Model calls", "count", "sum", "models");
metric("call_errors", "Failed calls", "count", "sum", "models");
metric("cost", "Cost", "USD", "sum", "models");
metric("endpoints_down", "Endpoints down", "count", "level", "models");
metric("cache_hits", "Answers reused", "count", "sum", "cache");
metric("cache_misses", "Answers made", "count", "sum", "cache");
metric("memories", "Memories", "count", "level", "memory");
metric("memories_waiting", "Memories waiting", "count", "level", "memory");
metric("connections", "Connections", "count", "level", "server");
metric("requests", "Requests", "/s", "rate", "server");
metric("request_errors", "Server errors", "count", "sum", "server");
metric("refused", "Refused", "count", "sum", "server");
metric("errors", "Errors", "count", "sum", "server");
metric("loop_lag_ms", "Event loop lag", "ms", "peak", "resources");
metric("gc_pause_ms", "GC pause", "ms", "peak", "resources");
metric("db_queue", "Writes waiting", "count", "level", "resources");
metric("cpu", "CPU", "%", "level", "resources");
metric("rss", "Memory", "MiB", "level", "resources");
metric("files", "Open files", "count", "level", "resources");
metric("threads", "Threads", "count", "level", "resources");
metric("model_cpu", "CPU of the model", "%", "level", "resources");
metric("model_rss", "Memory of the model", "MiB", "level", "resources");
metric("model_files", "Open files of the model", "count", "level", "resources");
metric("embedder_cpu", "CPU of the embedder", "%", "level", "resources");
metric("embedder_rss", "Memory of the embedder", "MiB", "level", "resources");
metric("embedder_files", "Open files of the embedder", "count", "level", "resources");
metric("disk_free", "Disk space", "MiB", "level", "resources");

function behindOf(query, { threads, runs: known }, mode) {
  const name = query.get("metric");
  const info = METRICS.get(name);
  if (info === undefined) throw Object.assign(new Error(`There is no metric ${name}.`), { status: 404 });
  const unit = { rate: "tokens", percentile: "ms" }[info.what] ?? info.unit;
  const { since, until } = spanOf(query);
  const isCall = /^(call|first_token|tokens|cost|cache)/.test(name) || query.has("agent");
  const all = [...threads.values()].flatMap(({ summary, runs }) =>
    runs.map((id) => ({ summary, run: known.get(id) })),
  );
  const shown = Number(query.get("limit") ?? 50);
  const runs =
    mode === "fresh"
      ? []
      : all.slice(0, shown).map(({ summary, run }, index) => {
          const end = run.events.find(({ type }) => type === "TEXT_MESSAGE_END");
          const base = { ms: 9200, USD: 0.0042, tokens: 840, "tokens/s": 840 }[unit] ?? 1;
          const isFailed = /failed|errors/.test(name);
          return {
            runId: run.id,
            threadId: summary.id,
            title: summary.title,
            text: run.text.slice(0, 200).split(/\s+/).join(" "),
            at: until - ((until - since) * (index + 0.5)) / (all.length + 1),
            value: base === 1 ? 1 : base * 0.86 ** index,
            seq: isCall ? (end?.seq ?? 0) : 0,
            agent: isCall ? query.get("agent") || AGENTS[index % AGENTS.length].name : "",
            model: isCall ? query.get("model") || "llama-3.3-70b" : "",
            endpoint: isCall ? query.get("endpoint") || "groq" : "",
            status: isFailed ? "failed" : /running/.test(name) ? "working" : "completed",
            error: isFailed ? "endpoint_unavailable" : "",
          };
        });
  return { metric: name, unit, runs, others: mode === "fresh" ? 0 : 3, more: all.length > shown };
}

export const modeOf = (request) => /(?:^|; )metrics=(\w+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";

/** Routes as the mock server has them; `kept`: threads and runs. */
export function metricRoutes(kept, problem) {
  const guarded = (answer) => (_, __, query, request) => {
    const mode = modeOf(request);
    if (mode === "off")
      throw problem(
        409,
        "metrics_off",
        "No figures are taken: metrics are switched off.",
        "Set ALMA_METRICS=true.",
      );
    if (mode === "failing") throw problem(503, "database_busy", "The database did not answer in time.");
    if (mode === "guest") throw problem(403, "forbidden", "This is for administrators.");
    return answer(query, mode);
  };
  return [
    ["GET", /^\/metrics\/series$/, guarded((query, mode) => seriesOf(query, mode === "fresh"))],
    ["GET", /^\/metrics\/dashboard$/, guarded((query, mode) => dashboardOf(query, mode === "fresh"))],
    ["GET", /^\/metrics\/behind$/, guarded((query, mode) => behindOf(query, kept, mode))],
  ];
}

/** A frame of the second that has just ended. */
export function metricsNow(mode) {
  const at = Math.floor(Date.now() / 1000);
  return { at, values: measured(at, 1, mode === "fresh") ?? {} };
}
