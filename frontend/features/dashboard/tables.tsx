import { AgentDot } from "@/components/agent-dot";
import { openBehind } from "@/features/dashboard/open-behind";
import { SortTable } from "@/features/dashboard/sort-table";
import { usePart } from "@/hooks/use-store";
import { dashboard } from "@/lib/dashboard";
import { ROUTE_COLUMNS, tablesOf, USE_COLUMNS } from "@/lib/dashboard-tables";
import type { RouteUse, UseOf } from "@/lib/metrics-api";

const TITLES = { agent: "Agents", model: "Models", endpoint: "Endpoints" } as const;
const nameOfUse = ({ name }: UseOf): string => name;
const nameOfRoute = ({ route }: RouteUse): string => route;

/** Who was asked, and how that went: by agent, model, endpoint and HTTP route. */
export function Tables() {
  const reply = usePart(dashboard.state, (state) => state.reply);
  if (reply === null) return null;
  return (
    <div className="space-y-8">
      {tablesOf(reply)
        .filter(({ rows }) => rows.length > 0)
        .map(({ by, rows }) => (
          <SortTable
            key={by}
            slot={`table-${by}`}
            title={TITLES[by]}
            rows={rows}
            columns={USE_COLUMNS}
            nameOf={nameOfUse}
            head={({ name }) => (
              <span className="flex items-center gap-2">
                {by === "agent" ? <AgentDot role={name} /> : null}
                <span className="truncate">{name}</span>
              </span>
            )}
            onOpen={({ name }, column) => openBehind(column.metric ?? "calls", null, { by, name })}
          />
        ))}
      {reply.routes.length > 0 ? (
        <SortTable
          slot="table-route"
          title="HTTP routes"
          rows={reply.routes}
          columns={ROUTE_COLUMNS}
          nameOf={nameOfRoute}
          head={({ route }) => <code className="break-all font-mono text-xs">{route}</code>}
        />
      ) : null}
    </div>
  );
}
