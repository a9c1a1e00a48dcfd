"use client";

import { Pause } from "lucide-react";
import { lazily } from "@/components/lazily";
import { useShown } from "@/features/inspector/use-lens";
import { plural } from "@/lib/format";
import { MAIN } from "@/lib/protocol";
import type { PlanState } from "@/lib/task-state";

const PlanGraph = lazily(() => import("@/features/inspector/plan-graph").then((module) => module.PlanGraph));

/** Who does what, and what waits for what: the live graph, and a line on where the plan comes from. */
export function PlanTab() {
  const plan = useShown((run) => run.tasks.get(MAIN)?.plan ?? null);
  const paused = useShown((run) => run.paused) ?? false;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="relative min-h-0 flex-1">
        <PlanGraph />
      </div>
      {plan ? <PlanNote plan={plan} paused={paused} /> : null}
    </div>
  );
}

const SOURCES = {
  model: "Planned by the model",
  pattern: "Planned by pattern",
  agent: "Planned by an agent",
  user: "Planned by you",
} as const;

function PlanNote({
  plan: { plan, needsApproval, decided, amendments },
  paused,
}: {
  plan: PlanState;
  paused: boolean;
}) {
  const { source, pattern, reason, problems = [], tasks } = plan;
  const last = amendments.at(-1);
  return (
    <div
      data-slot="plan-note"
      className="space-y-0.5 border-t max-sm:group-has-[[data-slot=task-detail]]/tabs:hidden px-5 py-2 text-muted-foreground text-xs"
    >
      <p>
        {paused ? (
          <span className="mr-2 inline-flex items-center gap-1 text-caution">
            <Pause aria-hidden className="size-3" />
            Paused
          </span>
        ) : null}
        {SOURCES[source]}
        {pattern ? ` “${pattern}”` : ""}, {plural(tasks.length, "task")}
        {needsApproval && decided === null ? ", waiting for you to approve it" : ""}
        {decided === false ? ", turned down" : ""}.{reason ? ` ${reason}` : ""}
      </p>
      {problems.length > 0 ? <p>Earlier tries were sent back: {problems.join("; ")}.</p> : null}
      {last === undefined ? null : (
        <p>
          Changed {plural(amendments.length, "time")} while it ran
          {last.reason ? `, last: ${last.reason}` : ""}.
        </p>
      )}
    </div>
  );
}
