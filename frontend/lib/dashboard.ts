/**
 * What the dashboard shows: series and figures of a span of time, carried on by a frame a second, and asked for anew
 * where frames cannot say it: sums over a range, percentiles of many intervals. Knows no React.
 */

import { factsOf } from "@/lib/api";
import type { ConnectionState } from "@/lib/connection";
import { rangeInfo, type Span } from "@/lib/dashboard-address";
import { append, type MetricSeries, merged, seriesOf, type What } from "@/lib/metric-series";
import { type DashboardReply, metricsApi } from "@/lib/metrics-api";
import type { Command, ErrorFacts, MetricsNow } from "@/lib/protocol";
import { session } from "@/lib/session";
import { type Readable, writable } from "@/lib/store";

export interface DashboardState {
  readonly span: Span;
  readonly series: MetricSeries | null;
  readonly reply: DashboardReply | null;
  /** What is shown is of another span; that of this one is on its way. */
  readonly isOld: boolean;
  /** The newest frame. */
  readonly live: MetricsNow | null;
  /** Nothing is heard: what is shown does not go on. */
  readonly isStale: boolean;
  readonly error: ErrorFacts | null;
}

/** What it needs of the session. */
export interface Ports {
  readonly metrics: Readable<MetricsNow | null>;
  readonly connection: Readable<Pick<ConnectionState, "phase">>;
  readonly send: (command: Command) => Promise<unknown>;
  readonly api: Pick<typeof metricsApi, "series" | "dashboard">;
  readonly now: () => number;
}

type Asked = "watch" | "series" | "figures";

const TICK_MS = 1_000;
const SILENT_MS = 5_000;
/** How often figures over a range are asked for: often where a second changes them. */
const FIGURES_MS = { "5m": 5_000, "1h": 10_000, "6h": 30_000, "24h": 60_000, "7d": 60_000 } as const;
const LEAST_SERIES_MS = 10_000;
/** What asking again does not change. */
const LASTING: ReadonlySet<string> = new Set(["metrics_off", "forbidden"]);

const EMPTY: DashboardState = {
  span: { range: "5m", zoom: null },
  series: null,
  reply: null,
  isOld: false,
  live: null,
  isStale: false,
  error: null,
};

export class Dashboard {
  private readonly store = writable<DashboardState>(EMPTY);
  readonly state: Readable<DashboardState> = this.store;
  private requests = new Map<"series" | "figures", AbortController>();
  private asked = { series: 0, figures: 0 };
  private problems: Partial<Record<Asked, ErrorFacts | null>> = {};
  private heardAt = 0;
  private isWatching = false;

  constructor(private readonly ports: Ports) {}

  /** Watches while somebody looks. Gives back how to stop. */
  start(): () => void {
    this.heardAt = this.ports.now();
    const stops = [
      this.ports.metrics.subscribe(() => this.heard(this.ports.metrics.get())),
      this.ports.connection.subscribe(() => this.connectionChanged()),
    ];
    const timer = setInterval(() => this.tick(), TICK_MS);
    this.connectionChanged();
    return () => {
      for (const stop of stops) stop();
      clearInterval(timer);
      if (this.isWatching && this.isOnline())
        void this.ports.send({ type: "metrics.unwatch" }).catch(() => {});
      this.isWatching = false;
      for (const request of this.requests.values()) request.abort();
    };
  }

  /** Goes to another span of time; what is shown stays until that is there. */
  show(span: Span): void {
    const { span: before, series, reply } = this.store.get();
    const isSame = JSON.stringify(before) === JSON.stringify(span);
    if (isSame && (series !== null || reply !== null)) return;
    this.problems = {};
    this.patch({ span, isOld: series !== null, error: null });
    void this.load();
  }

  async load(): Promise<void> {
    await Promise.all([this.loadSeries(), this.loadFigures()]);
  }

  private async loadSeries(): Promise<void> {
    await this.ask("series", this.ports.api.series, (reply, state) => {
      const known = state.isOld || state.span.zoom !== null ? null : state.series;
      return { series: merged(known, seriesOf(reply)), isOld: false };
    });
  }

  private async loadFigures(): Promise<void> {
    await this.ask("figures", this.ports.api.dashboard, (reply) => ({ reply }));
  }

  private async ask<Reply>(
    which: "series" | "figures",
    get: (span: Span, signal: AbortSignal) => Promise<Reply>,
    fold: (reply: Reply, state: DashboardState) => Partial<DashboardState>,
  ): Promise<void> {
    this.requests.get(which)?.abort();
    const request = new AbortController();
    this.requests.set(which, request);
    this.asked[which] = this.ports.now();
    try {
      const reply = await get(this.store.get().span, request.signal);
      if (request.signal.aborted) return;
      this.store.update((state) => ({ ...state, ...fold(reply, state) }));
      this.failed(which, null);
    } catch (cause) {
      if (!request.signal.aborted) this.failed(which, factsOf(cause));
    }
  }

  private failed(which: Asked, facts: ErrorFacts | null): void {
    this.problems[which] = facts;
    const { watch, series, figures } = this.problems;
    this.patch({ error: series ?? figures ?? watch ?? null });
  }

  private heard(frame: MetricsNow | null): void {
    if (frame === null) return;
    this.heardAt = this.ports.now();
    this.store.update((state) => {
      const { series, span, isOld } = state;
      const news = { live: frame, isStale: !this.isOnline() };
      if (series === null || isOld || span.zoom !== null) return { ...state, ...news };
      const seconds = rangeInfo(span.range).seconds;
      return { ...state, ...news, series: append(series, frame, seconds, (name) => this.whatOf(name)) };
    });
  }

  private whatOf(name: string): What {
    return this.store.get().reply?.metrics.find((metric) => metric.name === name)?.what ?? "level";
  }

  private connectionChanged(): void {
    const online = this.isOnline();
    if (online === this.isWatching) return;
    this.isWatching = online;
    if (!online) {
      this.patch({ isStale: this.store.get().series !== null });
      return;
    }
    this.heardAt = this.ports.now();
    this.patch({ isStale: false });
    this.ports.send({ type: "metrics.watch" }).then(
      () => this.failed("watch", null),
      (cause) => this.failed("watch", factsOf(cause)),
    );
    const { series, reply, error } = this.store.get();
    const isOnItsWay = this.asked.series > 0 && series === null && reply === null && error === null;
    if (!isOnItsWay) void this.load();
  }

  private tick(): void {
    if (!this.isOnline() || LASTING.has(this.store.get().error?.code ?? "")) return;
    const now = this.ports.now();
    const { span, series } = this.store.get();
    if (now - this.heardAt > SILENT_MS) this.patch({ isStale: true });
    if (span.zoom !== null || (typeof document !== "undefined" && document.visibilityState === "hidden"))
      return;
    if (now - this.asked.figures >= FIGURES_MS[span.range]) void this.loadFigures();
    const step = (series?.step ?? 0) * 1_000;
    if (now - this.asked.series >= Math.max(LEAST_SERIES_MS, step)) void this.loadSeries();
  }

  private isOnline(): boolean {
    return this.ports.connection.get().phase === "online";
  }

  private patch(change: Partial<DashboardState>): void {
    this.store.update((state) => ({ ...state, ...change }));
  }
}

/** The page's one dashboard. */
export const dashboard = new Dashboard({
  metrics: session.metrics,
  connection: session.connection.state,
  send: (command) => session.connection.send(command),
  api: metricsApi,
  now: Date.now,
});

/** The time that the charts show: the part that is looked at, else the range up to the newest that is known. */
export function windowOf({ span, series, live, reply }: DashboardState, now: number): [number, number] {
  if (span.zoom !== null) return [span.zoom.since, span.zoom.until];
  const until = Math.max(series?.at.at(-1) ?? 0, live?.at ?? 0) || (reply?.until ?? now / 1_000);
  return [until - rangeInfo(span.range).seconds, until];
}
