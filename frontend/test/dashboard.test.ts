import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiProblem } from "@/lib/api";
import type { ConnectionPhase } from "@/lib/connection";
import { Dashboard, windowOf } from "@/lib/dashboard";
import type { Span } from "@/lib/dashboard-address";
import type { DashboardReply, SeriesReply } from "@/lib/metrics-api";
import type { MetricsNow } from "@/lib/protocol";
import { writable } from "@/lib/store";

const NOW = 1_000;
const LIVE: Span = { range: "5m", zoom: null };
let asked: string[];
let sent: string[];
let answer: () => Promise<SeriesReply>;
const metrics = writable<MetricsNow | null>(null);
const connection = writable<{ phase: ConnectionPhase }>({ phase: "online" });
let dashboard: Dashboard;
let stop: () => void;

const series = (at: number[], running: number[], step = 1): SeriesReply => ({
  since: 0,
  until: at.at(-1) ?? 0,
  step,
  at,
  series: { runs_running: running },
  highs: {},
});
const figures = { values: {}, before: {}, metrics: [] } as unknown as DashboardReply;
const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const frame = (at: number, running: number): void => metrics.set({ at, values: { runs_running: running } });

beforeEach(async () => {
  vi.useFakeTimers({ now: NOW * 1_000 });
  [asked, sent] = [[], []];
  answer = async () => series([998, 999, 1000], [1, 2, 3]);
  metrics.set(null);
  connection.set({ phase: "online" });
  dashboard = new Dashboard({
    metrics,
    connection,
    send: async ({ type }) => void sent.push(type),
    api: {
      series: ({ range, zoom }) => {
        asked.push(`series ${range}${zoom === null ? "" : ` ${zoom.since}-${zoom.until}`}`);
        return answer();
      },
      dashboard: async ({ range }) => {
        asked.push(`figures ${range}`);
        return figures;
      },
    },
    now: Date.now,
  });
  dashboard.show(LIVE);
  stop = dashboard.start();
  await settle();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

it("asks once for what it shows, watches, and goes on with each frame", () => {
  expect(asked).toEqual(["series 5m", "figures 5m"]);
  expect(sent).toEqual(["metrics.watch"]);
  frame(1001, 4);
  expect(dashboard.state.get().series?.values.runs_running).toEqual([1, 2, 3, 4]);
  expect(windowOf(dashboard.state.get(), 0)).toEqual([701, 1001]);
});

it("asks for figures over the range again and again, and stops when nobody looks", async () => {
  asked = [];
  for (let second = 1; second <= 6; second++) {
    await settle(1_000);
    frame(NOW + second, 1);
  }
  expect(asked).toEqual(["figures 5m"]);
  stop();
  expect(sent).toEqual(["metrics.watch", "metrics.unwatch"]);
  await settle(60_000);
  expect(asked).toEqual(["figures 5m"]);
});

it("keeps what is shown until another range is there", async () => {
  let give: (reply: SeriesReply) => void = () => {};
  answer = () => new Promise((resolve) => (give = resolve));
  dashboard.show({ range: "1h", zoom: null });
  expect(dashboard.state.get()).toMatchObject({ isOld: true, span: { range: "1h" } });
  frame(1001, 4);
  expect(dashboard.state.get().series?.at).toEqual([998, 999, 1000]);
  give(series([990, 1000], [5, 6], 10));
  await settle();
  expect(dashboard.state.get()).toMatchObject({ isOld: false, series: { at: [990, 1000], step: 10 } });
});

it("looks at a part of the range, which no frame changes", async () => {
  dashboard.show({ range: "5m", zoom: { since: 998, until: 999 } });
  await settle();
  expect(asked).toContain("series 5m 998-999");
  const before = dashboard.state.get().series;
  frame(1001, 4);
  expect(dashboard.state.get().series).toBe(before);
  expect(dashboard.state.get().live?.at).toBe(1001);
  expect(windowOf(dashboard.state.get(), 0)).toEqual([998, 999]);
});

it("is stale while the connection is away, and asks and watches again when it is back", async () => {
  connection.set({ phase: "waiting" });
  expect(dashboard.state.get().isStale).toBe(true);
  asked = [];
  await settle(30_000);
  expect(asked).toEqual([]);
  answer = async () => series([1029, 1030], [8, 9]);
  connection.set({ phase: "online" });
  await settle();
  expect(sent).toEqual(["metrics.watch", "metrics.watch"]);
  expect(asked).toEqual(["series 5m", "figures 5m"]);
  expect(dashboard.state.get()).toMatchObject({ isStale: false, series: { at: [1029, 1030] } });
});

it("is stale when it hears nothing, though connected, until it hears again", async () => {
  frame(1001, 1);
  await settle(7_000);
  expect(dashboard.state.get().isStale).toBe(true);
  frame(1008, 1);
  expect(dashboard.state.get().isStale).toBe(false);
});

it("says what went wrong, keeps what it has, and tries again by itself; but not where metrics are off", async () => {
  const fails = (status: number, code: string) => async (): Promise<SeriesReply> => {
    throw new ApiProblem(status, { code, message: "No." });
  };
  answer = fails(503, "database_busy");
  await dashboard.load();
  expect(dashboard.state.get()).toMatchObject({ error: { code: "database_busy" }, series: { step: 1 } });
  asked = [];
  await settle(10_000);
  expect(asked).toContain("series 5m");
  answer = fails(409, "metrics_off");
  await dashboard.load();
  asked = [];
  await settle(60_000);
  expect(asked).toEqual([]);
});

it("forgets an answer to what was asked before", async () => {
  const replies: ((reply: SeriesReply) => void)[] = [];
  answer = () => new Promise((resolve) => replies.push(resolve));
  dashboard.show({ range: "1h", zoom: null });
  dashboard.show({ range: "6h", zoom: null });
  replies[1]?.(series([60], [6], 60));
  await settle();
  replies[0]?.(series([10], [1], 10));
  await settle();
  expect(dashboard.state.get()).toMatchObject({ span: { range: "6h" }, series: { step: 60 } });
});
