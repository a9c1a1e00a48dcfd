// Health, alerts, errors and reports. `--unwell` (or a cookie `unwell`) has something to say; else all is well.
const now = () => Date.now() / 1000;
const HOUR = 3600;
const DAY = 24 * HOUR;
const START = now();
const UNWELL = process.argv.includes("--unwell");
export const isUnwell = (request) => UNWELL || /unwell=1/.test(request.headers.cookie ?? "");

const WELL = [
  ["database", "SQLite; a write took 1.2 ms"],
  ["disk", "69.1 GiB free"],
  ["endpoints", "3 of 3 answer"],
  ["embedded model", "smollm2-135m is ready"],
  ["embedder", "minilm is ready"],
  ["index", "128 of 128 memories have a vector"],
  ["event loop", "2 ms late at most"],
  ["dispatcher", "nothing waits"],
];
const TROUBLE = {
  endpoints: {
    status: "down",
    detail: "groq: refused the connection. openrouter answers in its place.",
    hint: "Look whether `https://api.groq.com` can be reached, or take the endpoint out with `alma models remove groq`.",
    since: now() - 200,
  },
  disk: {
    status: "degraded",
    detail: "412 MiB free, less than the 500 MiB that are wanted.",
    hint: "Free some where the data folder is; `alma runs prune` gives up the steps of old runs.",
    since: now() - 2 * HOUR,
  },
};

export function health(unwell) {
  const components = WELL.map(([name, detail]) => {
    const well = { name, status: "ok", detail, hint: "", since: START - 3 * DAY };
    return unwell && TROUBLE[name] ? { ...well, ...TROUBLE[name] } : well;
  });
  return { status: unwell ? "degraded" : "ok", components };
}

const rule = (name, summary, metric, more = {}) => ({
  name,
  summary,
  hint: "The dashboard says what the time goes into.",
  severity: "warning",
  metric,
  above: true,
  threshold: 5,
  clear: 2,
  forS: 10,
  windowS: metric.startsWith("health.") ? 0 : 300,
  channels: ["page", "log"],
  own: false,
  state: "ok",
  since: START - DAY,
  now: 0,
  silencedUntil: 0,
  silencedBy: "",
  silencedWhy: "",
  link: metric.startsWith("health.") ? "/?page=health" : "/?page=dashboard",
  problem: "",
  ...more,
});
let rules = [
  rule("disk_low", "Disk space runs out", "health.disk", {
    severity: "critical",
    above: false,
    threshold: 1,
    clear: 1,
    forS: 30,
    now: 1,
    hint: "Free some where the data folder is; `alma runs prune` gives up the steps of old runs.",
  }),
  rule("responses_slow", "Answers take long", "response_p95_ms", {
    threshold: 120_000,
    clear: 90_000,
    forS: 300,
    now: 8_400,
    hint: "Is the machine busy, are endpoints slow or queues long? The dashboard says what the time goes into.",
  }),
  rule("runs_fail", "Many runs fail", "runs_failed", {
    hint: "The page of errors groups what went wrong; the dashboard names the runs.",
  }),
  rule("event_loop_late", "The server is held up", "loop_lag_ms", {
    threshold: 1000,
    clear: 500,
    forS: 30,
    now: 3.1,
  }),
  rule("memory_high", "The server's memory has grown large", "rss", {
    threshold: 2048,
    clear: 1536,
    forS: 300,
    now: 212,
  }),
  rule("night_cost", "The night costs more than planned", "cost", {
    own: true,
    threshold: 2,
    clear: 1,
    forS: 0,
    now: 0.31,
    severity: "info",
    channels: ["mail"],
  }),
  rule("many_chats", "Many chats at once", "connection", {
    own: true,
    now: null,
    problem: "line 14, metric: expected one of the names in docs/operations.md, got “connection”.",
  }),
];
const FIRING = {
  disk_low: { state: "firing", now: 0, since: now() - 2 * HOUR },
  responses_slow: { state: "firing", now: 154_000, since: now() - 380 },
  runs_fail: { state: "pending", now: 7, since: now() - 6 },
};
const rulesOf = (unwell) =>
  rules.map((each) => (unwell && FIRING[each.name] ? { ...each, ...FIRING[each.name] } : each));
const past = (id, name, summary, severity, firedAt, seconds, told = { page: "ok", log: "ok" }) => ({
  id,
  rule: name,
  severity,
  summary,
  value: 1,
  firedAt,
  endedAt: seconds === null ? null : firedAt + seconds,
  told,
});

function alerts(unwell) {
  const mail = { page: "ok", log: "ok", mail: "mail.example.org did not answer within 10 s." };
  const history = [
    ...(unwell
      ? [
          past("a_9", "responses_slow", "Answers take long", "warning", now() - 380, null),
          past("a_8", "disk_low", "Disk space runs out", "critical", now() - 2 * HOUR, null, mail),
        ]
      : []),
    past("a_7", "runs_fail", "Many runs fail", "warning", now() - 26 * HOUR, 660),
    past("a_6", "endpoint_down", "A model endpoint does not answer", "warning", now() - 3 * DAY, 95),
    past("a_5", "new_error", "An error that was not seen before", "warning", now() - 5 * DAY, 300),
  ];
  const channels = [
    { name: "page", on: true, detail: "Whoever is signed in as an administrator sees it." },
    { name: "log", on: true, detail: "As a warning, with the rule's name." },
    { name: "webhook", on: false, detail: "set ALMA_ALERT_WEBHOOK to use it." },
    { name: "mail", on: true, detail: "anna@example.org, by mail.example.org" },
  ];
  const problems = [
    "/home/ada/alma/alerts.toml: rule many_chats, line 14, metric: expected one of the names in docs/operations.md, got “connection”.",
  ];
  return { rules: rulesOf(unwell), history, channels, problems: unwell ? [] : problems };
}

/** What `alma.alerts` says. */
export function firing(unwell) {
  const loud = rulesOf(unwell).filter(({ state }) => state === "firing");
  return loud.map(({ name, severity, summary, hint, now: value, since, silencedUntil }) => ({
    id: `a_${name}`,
    rule: name,
    severity,
    summary,
    hint,
    value,
    firedAt: since,
    silencedUntil,
  }));
}

const TRACE = `Traceback (most recent call last):
  File "alma/agent/tool_calls.py", line 214, in _call
    result = await tool.run(arguments, context)
  File "alma/tools/python_tool.py", line 96, in run
    return await sandbox.evaluate(code, timeout=self.timeout)
  File "alma/tools/sandbox.py", line 141, in evaluate
    raise SandboxGone(self.pid, code)
alma.tools.sandbox.SandboxGone: the sandbox 41822 ended with -9 before it answered`;
const group = (fingerprint, title, place, count, ageS, state, example) => ({
  fingerprint,
  title,
  place,
  count,
  firstAt: now() - ageS - 4 * DAY,
  lastAt: now() - ageS,
  state,
  example,
});
let groups = [
  group(
    "8f21c0aa",
    "SandboxGone: the sandbox ended before it answered",
    "alma.tools.sandbox.evaluate",
    14,
    250,
    "open",
    {
      message: "the sandbox 41822 ended with -9 before it answered",
      traceback: TRACE,
      level: "error",
      logger: "alma.agent.tool_calls",
      runId: "r_00003",
      threadId: "t_00001",
      taskId: "2.1",
      agent: "coder",
      tool: "python",
    },
  ),
  group(
    "41d7be03",
    "EndpointCut: the answer broke off",
    "alma.models.openai_stream.read",
    3,
    5 * HOUR,
    "open",
    {
      message: "groq: the answer broke off after 212 tokens",
      level: "warning",
      endpoint: "groq",
    },
  ),
  group("c09a5512", "disk I/O error", "alma.db.writer.commit", 1, 2 * DAY, "resolved", {
    message: "disk I/O error",
  }),
  group(
    "77e0d1f4",
    "ReadTimeout while looking for local servers",
    "alma.models.discovery.ask",
    208,
    900,
    "muted",
    {
      message: "127.0.0.1:11434 did not answer within 0.3 s",
    },
  ),
];

const dayOf = (daysAgo) => new Date(Date.now() - daysAgo * DAY * 1000).toISOString().slice(0, 10);
const REPORT = (day) => `# ${day}

**142 runs**, of which 3 failed. Nothing fired for longer than eleven minutes.

| | this day | the day before |
|---|---:|---:|
| Runs | 142 | 118 |
| Failed | 3 | 0 |
| Response, p95 | 9.2 s | 8.8 s |
| First token, p95 | 0.41 s | 0.39 s |
| Tokens written | 312,400 | 268,900 |
| Answers reused | 31 % | 28 % |
| Cost | $1.84 | $1.52 |

## What went wrong

- *SandboxGone: the sandbox ended before it answered*, 14 times in \`alma.tools.sandbox.evaluate\`
- *EndpointCut: the answer broke off*, 3 times at **groq**

## Alerts

- **Many runs fail** (warning), from 14:02 for 11 minutes

## What it took

The server had 212 MiB at most and 23 % of a core. 69.1 GiB of disk are free.
`;
const made = new Map([1, 2, 3, 4, 5].map((ago) => [dayOf(ago), now() - (ago - 1) * DAY - 2 * HOUR]));
const entry = (day) => ({ day, madeAt: made.get(day), title: "142 runs, 3 failed, 1 alert" });

export function healthRoutes({ Problem, toAll }) {
  return [
    ["GET", /^\/alerts$/, (_, __, ___, request) => alerts(isUnwell(request))],
    [
      "PUT",
      /^\/alerts\/rules\/(.+)\/silence$/,
      ([name], { minutes }, _, request) => {
        const silenced = {
          silencedUntil: minutes === 0 ? 0 : now() + minutes * 60,
          silencedBy: minutes ? "anna" : "",
          silencedWhy: minutes ? "the backup runs" : "",
        };
        rules = rules.map((each) => (each.name === name ? { ...each, ...silenced } : each));
        const unwell = isUnwell(request);
        toAll({ type: "CUSTOM", name: "alma.alerts", value: { firing: firing(unwell) } });
        return rulesOf(unwell).find((each) => each.name === name);
      },
    ],
    [
      "POST",
      /^\/alerts\/test$/,
      (_, { channel }) => ({
        channel,
        said: channel === "mail" ? "mail.example.org did not answer within 10 s." : "ok",
      }),
    ],
    ["GET", /^\/errors$/, () => ({ groups })],
    [
      "PATCH",
      /^\/errors\/(.+)$/,
      ([fingerprint], { state }) => {
        groups = groups.map((each) => (each.fingerprint === fingerprint ? { ...each, state } : each));
        return groups.find((each) => each.fingerprint === fingerprint);
      },
    ],
    ["GET", /^\/reports$/, () => ({ reports: [...made.keys()].sort().reverse().map(entry) })],
    [
      "GET",
      /^\/reports\/(.+)$/,
      ([day]) => {
        if (!made.has(day)) throw new Problem(404, "unknown_report", `There is no report of ${day}.`);
        return { ...entry(day), text: REPORT(day) };
      },
    ],
    [
      "PUT",
      /^\/reports\/(.+)$/,
      ([day]) => {
        made.set(day, now());
        return { ...entry(day), text: REPORT(day) };
      },
    ],
  ];
}
