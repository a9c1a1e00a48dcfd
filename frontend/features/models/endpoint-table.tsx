"use client";

import { EndpointRow } from "@/features/models/endpoint-row";
import type { ModelList } from "@/lib/api";

const COLUMNS = ["Endpoint", "Load", "First token", "Speed", "5 minutes", "Price", "Weight", ""] as const;

/** Where models answer: how each endpoint stands, what it bears and how fast it is, as the server tells it. */
export function EndpointTable({ list }: { list: ModelList }) {
  if (list.endpoints.length === 0)
    return <p className="text-[13px] text-muted-foreground">Nothing is connected yet.</p>;
  return (
    <table
      data-slot="endpoint-table"
      className="grid-cols-[minmax(9rem,1fr)_repeat(6,auto)_auto] gap-x-4 text-left text-[13px] tabular-nums max-sm:block sm:grid"
    >
      <caption className="sr-only">Endpoints, with their load and health</caption>
      <thead className="max-sm:sr-only sm:contents">
        <tr className="col-span-full grid grid-cols-subgrid border-b pb-1.5 text-faint-foreground text-xs">
          {COLUMNS.map((name) => (
            <th key={name} scope="col" className="font-normal">
              {name === "" ? <span className="sr-only">Do</span> : name}
            </th>
          ))}
        </tr>
      </thead>
      {list.endpoints.map((endpoint) => (
        <EndpointRow key={endpoint.name} endpoint={endpoint} columns={COLUMNS.length} />
      ))}
    </table>
  );
}
