/** The tables of the dashboard: their columns, and the order of their rows. Pure. */

import type { DashboardReply, RouteUse, UseOf } from "@/lib/metrics-api";

export interface Column<Row> {
  readonly id: string;
  readonly label: string;
  readonly unit: string;
  readonly value: (row: Row) => number | null;
  /** Whose runs stand behind a number of it. None: no run does. */
  readonly metric?: string;
  /** Left out where there is little room. */
  readonly isMinor?: boolean;
}

export interface Order {
  readonly column: string;
  readonly isRising: boolean;
}

export type UseTable = { readonly by: "agent" | "model" | "endpoint"; readonly rows: readonly UseOf[] };

export function tablesOf({ agents, models, endpoints }: DashboardReply): readonly UseTable[] {
  return [
    { by: "agent", rows: agents },
    { by: "model", rows: models },
    { by: "endpoint", rows: endpoints },
  ];
}

const use = (
  id: string,
  label: string,
  unit: string,
  metric: string,
  value: Column<UseOf>["value"],
  isMinor = false,
): Column<UseOf> => ({ id, label, unit, metric, value, isMinor });

export const USE_COLUMNS: readonly Column<UseOf>[] = [
  use("calls", "Calls", "count", "calls", (row) => row.calls),
  use("errors", "Failed", "count", "call_errors", (row) => row.errors),
  use("runs", "Runs", "count", "runs", (row) => row.runs, true),
  use("first50", "First token p50", "ms", "first_token_p50_ms", (row) => row.firstTokenP50Ms),
  use("first95", "First token p95", "ms", "first_token_p95_ms", (row) => row.firstTokenP95Ms, true),
  use("p50", "Call p50", "ms", "call_p50_ms", (row) => row.p50Ms),
  use("p95", "Call p95", "ms", "call_p95_ms", (row) => row.p95Ms),
  use("read", "Tokens read", "count", "tokens_in", (row) => row.inputTokens),
  use("written", "Tokens written", "count", "tokens_out", (row) => row.outputTokens),
  use("speed", "Tokens/s", "count", "tokens_out", (row) => row.tokensPerS, true),
  use("hits", "Reused", "count", "cache_hits", (row) => row.cacheHits, true),
  use("cost", "Cost", "USD", "cost", (row) => row.cost),
];

const route = (
  id: string,
  label: string,
  unit: string,
  value: Column<RouteUse>["value"],
): Column<RouteUse> => ({
  id,
  label,
  unit,
  value,
});

export const ROUTE_COLUMNS: readonly Column<RouteUse>[] = [
  route("requests", "Requests", "count", (row) => row.requests),
  route("errors", "Server errors", "count", (row) => row.errors),
  route("p50", "p50", "ms", (row) => row.p50Ms),
  route("p95", "p95", "ms", (row) => row.p95Ms),
  route("p99", "p99", "ms", (row) => row.p99Ms),
];

/** The rows by a column, what has no value last; the same value keeps its place. `name`: by their names. */
export function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  nameOf: (row: Row) => string,
  { column, isRising }: Order,
): Row[] {
  const sign = isRising ? 1 : -1;
  const value = columns.find(({ id }) => id === column)?.value;
  if (value === undefined)
    return rows.toSorted((one, other) => sign * nameOf(one).localeCompare(nameOf(other)));
  return rows.toSorted((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    return sign * (a - b);
  });
}

/** What a click on a column's head asks for: most first, then the other way; names the other way round. */
export function orderAfter({ column, isRising }: Order, clicked: string): Order {
  if (column === clicked) return { column, isRising: !isRising };
  return { column: clicked, isRising: clicked === "name" };
}
