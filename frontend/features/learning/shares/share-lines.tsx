"use client";

import { AgentDot } from "@/components/agent-dot";
import { agentColourVar } from "@/lib/agent-colour";
import { linePath, type Shares } from "@/lib/shares";

const WIDTH = 800;
const HEIGHT = 120;

/** The weights of the last hour, a line for each role; the middle is an equal share. */
export function ShareLines({ history, roles }: { history: Shares["history"]; roles: readonly string[] }) {
  const newest = history.at(-1)?.weights ?? {};
  const words = roles.map((role) => `${role} ${(newest[role] ?? 1).toFixed(2)}`).join(", ");
  return (
    <figure className="space-y-2">
      <figcaption className="font-medium text-sm">The last hour</figcaption>
      <svg
        role="img"
        aria-label={`Shares over the last hour; now ${words}`}
        data-slot="share-lines"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="h-30 w-full overflow-visible border-y"
      >
        <line x1={0} x2={WIDTH} y1={HEIGHT / 2} y2={HEIGHT / 2} className="stroke-border" />
        {roles.map((role) => (
          <path
            key={role}
            d={linePath(history, role, WIDTH, HEIGHT)}
            fill="none"
            stroke={agentColourVar(role)}
            strokeWidth={2}
            vectorEffect="non-scaling-stroke"
          />
        ))}
      </svg>
      <ul className="flex flex-wrap gap-x-4 gap-y-1 text-muted-foreground text-xs">
        {roles.map((role) => (
          <li key={role} className="flex items-center gap-1.5">
            <AgentDot role={role} />
            {role}
          </li>
        ))}
      </ul>
    </figure>
  );
}
