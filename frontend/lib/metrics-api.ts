/** What the API of metrics takes and gives, typed. Times are Unix seconds. Knows no React. */

import { request } from "@/lib/api";
import type { Behind, Span } from "@/lib/dashboard-address";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];

export type SeriesReply = Schemas["SeriesReply"];
export type DashboardReply = Schemas["DashboardReply"];
export type MetricInfo = Schemas["MetricReply"];
export type UseOf = DashboardReply["agents"][number];
export type RouteUse = DashboardReply["routes"][number];
export type BehindList = Schemas["BehindList"];
export type BehindRun = Schemas["BehindReply"];

function queryOf({ range, zoom }: Span): URLSearchParams {
  const query = new URLSearchParams({ range });
  if (zoom !== null) {
    query.set("since", String(zoom.since));
    query.set("until", String(zoom.until));
  }
  return query;
}

export const metricsApi = {
  series: (span: Span, signal?: AbortSignal) =>
    request<SeriesReply>("GET", `/metrics/series?${queryOf(span)}`, undefined, signal),
  dashboard: (span: Span, signal?: AbortSignal) =>
    request<DashboardReply>("GET", `/metrics/dashboard?${queryOf(span)}`, undefined, signal),
  behind: ({ metric, between, by, name }: Behind, span: Span, limit: number, signal?: AbortSignal) => {
    const query = queryOf(between === null ? span : { ...span, zoom: between });
    query.set("metric", metric);
    if (by !== null) query.set(by, name);
    query.set("limit", String(limit));
    return request<BehindList>("GET", `/metrics/behind?${query}`, undefined, signal);
  },
};
