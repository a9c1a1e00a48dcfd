/** Which charts the dashboard has, in the groups of the catalog, and in which colours. Pure. */

import type { MetricInfo } from "@/lib/metrics-api";

export interface Line {
  readonly metric: string;
  readonly label: string;
  /** A token of `globals.css`. */
  readonly colour: string;
}

export interface ChartInfo {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /**
   * `percentiles`: lines that lie over one another, with the space between them tinted. `sums`: lines of what is counted;
   * `shares`: bars of what is counted, and before them of what of it was bad.
   */
  readonly kind: "lines" | "percentiles" | "sums" | "shares";
  readonly lines: readonly Line[];
}

export interface SectionInfo {
  readonly id: string;
  readonly title: string;
  readonly charts: readonly ChartInfo[];
}

const SERIES = ["--series-1", "--series-2", "--series-3", "--series-4"] as const;

function chart(
  id: string,
  title: string,
  unit: string,
  kind: ChartInfo["kind"],
  ...lines: readonly (readonly [metric: string, label: string])[]
): ChartInfo {
  const coloured = lines.map(([metric, label], at) => ({
    metric,
    label,
    colour: SERIES[at % SERIES.length] ?? SERIES[0],
  }));
  return { id, title, unit, kind, lines: coloured };
}

/** One hue from strong to faint: the higher percentile is always the upper line. */
function percentiles(name: string, title: string): ChartInfo {
  const line = (share: number, colour: string): Line => ({
    metric: `${name}_p${share}_ms`,
    label: `p${share}`,
    colour,
  });
  const lines = [line(50, "--ramp-5"), line(95, "--ramp-3"), line(99, "--ramp-1")];
  return { id: name, title, unit: "ms", kind: "percentiles", lines };
}

/** A failure has its colour in every chart. */
function withFailures(info: ChartInfo, ...failures: readonly string[]): ChartInfo {
  const lines = info.lines.map((line) =>
    failures.includes(line.metric) ? { ...line, colour: "--destructive" } : line,
  );
  return { ...info, lines };
}

export const SECTIONS: readonly SectionInfo[] = [
  {
    id: "answers",
    title: "Answers",
    charts: [
      percentiles("response", "Response"),
      percentiles("first_token", "First token"),
      chart(
        "tokens",
        "Tokens a second",
        "tokens/s",
        "lines",
        ["tokens_out", "written"],
        ["tokens_in", "read"],
      ),
    ],
  },
  {
    id: "runs",
    title: "Runs",
    charts: [
      chart(
        "at_work",
        "At work",
        "count",
        "lines",
        ["runs_running", "runs"],
        ["tasks_running", "tasks"],
        ["tasks_queued", "waiting"],
      ),
      withFailures(
        chart("runs", "Ended", "count", "shares", ["runs_finished", "well"], ["runs_failed", "failed"]),
        "runs_failed",
      ),
      chart("begun", "Begun", "count", "shares", ["runs_started", "begun"]),
    ],
  },
  {
    id: "models",
    title: "Models",
    charts: [
      percentiles("call", "Model call"),
      withFailures(
        chart("calls", "Calls", "count", "shares", ["calls", "ended"], ["call_errors", "failed"]),
        "call_errors",
      ),
      chart("cost", "Cost", "USD", "shares", ["cost", "cost"]),
      withFailures(
        chart("endpoints", "Endpoints down", "count", "lines", ["endpoints_down", "down"]),
        "endpoints_down",
      ),
    ],
  },
  {
    id: "cache",
    title: "Cache",
    charts: [
      chart("cache", "Reused answers", "count", "sums", ["cache_hits", "reused"], ["cache_misses", "made"]),
    ],
  },
  {
    id: "memory",
    title: "Memory",
    charts: [
      percentiles("recall", "Recall"),
      chart("memories", "Memories", "count", "lines", ["memories", "alive"], ["memories_waiting", "waiting"]),
    ],
  },
  {
    id: "server",
    title: "Server",
    charts: [
      percentiles("request", "HTTP request"),
      chart("requests", "Requests a second", "/s", "lines", ["requests", "answered"]),
      chart("connections", "Connections", "count", "lines", ["connections", "open"]),
      withFailures(
        chart(
          "errors",
          "Errors and refusals",
          "count",
          "sums",
          ["refused", "refused"],
          ["request_errors", "server errors"],
          ["errors", "logged"],
        ),
        "request_errors",
      ),
    ],
  },
  {
    id: "resources",
    title: "Resources",
    charts: [
      chart("lag", "Event loop", "ms", "lines", ["loop_lag_ms", "lag"], ["gc_pause_ms", "GC pause"]),
      percentiles("db_write", "Database write"),
      chart("db_queue", "Writes waiting", "count", "lines", ["db_queue", "waiting"]),
      chart(
        "cpu",
        "CPU",
        "%",
        "lines",
        ["cpu", "server"],
        ["model_cpu", "model"],
        ["embedder_cpu", "embedder"],
      ),
      chart(
        "rss",
        "Memory",
        "MiB",
        "lines",
        ["rss", "server"],
        ["model_rss", "model"],
        ["embedder_rss", "embedder"],
      ),
      chart(
        "files",
        "Files and threads",
        "count",
        "lines",
        ["files", "files"],
        ["threads", "threads"],
        ["model_files", "model's files"],
        ["embedder_files", "embedder's files"],
      ),
      chart("disk", "Disk space", "MiB", "lines", ["disk_free", "free"]),
    ],
  },
];

const DRAWN = new Set(
  SECTIONS.flatMap(({ charts }) => charts.flatMap(({ lines }) => lines.map((l) => l.metric))),
);

/** All charts; a metric of the server that this page has no chart for gets one of its own, in its group. */
export function sectionsFor(metrics: readonly MetricInfo[]): readonly SectionInfo[] {
  const unknown = metrics.filter(({ name }) => !DRAWN.has(name));
  if (unknown.length === 0) return SECTIONS;
  const own = (group: string): ChartInfo[] =>
    unknown
      .filter((each) => each.group === group)
      .map(({ name, title, unit }) => chart(name, title, unit, "lines", [name, title.toLowerCase()]));
  const known = SECTIONS.map((each) => ({ ...each, charts: [...each.charts, ...own(each.id)] }));
  const groups = new Set(
    unknown.map(({ group }) => group).filter((id) => !SECTIONS.some((s) => s.id === id)),
  );
  const others = [...groups].map((id) => ({
    id,
    title: id.charAt(0).toUpperCase() + id.slice(1),
    charts: own(id),
  }));
  return [...known, ...others];
}

/** Metrics whose title a chart does not say in full: `Response, p95`. */
export function titleOf(metric: string, metrics: readonly MetricInfo[]): string {
  return metrics.find(({ name }) => name === metric)?.title ?? metric.replaceAll("_", " ");
}
