"use client";

import { Map as MapIcon } from "lucide-react";
import { useEffect } from "react";
import { Button } from "@/components/ui/button";
import { Part } from "@/features/inspector/part";
import { RecallPart } from "@/features/inspector/recall-part";
import { StoredPart } from "@/features/inspector/stored-part";
import { TaskLink } from "@/features/inspector/task-link";
import { useLens, useShown } from "@/features/inspector/use-lens";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { plural } from "@/lib/format";
import { taskOrder } from "@/lib/lanes";
import { go, openMemoryMap } from "@/lib/location";
import { MAIN } from "@/lib/protocol";
import { byTask, memoriesOf } from "@/lib/recall-state";
import { session } from "@/lib/session";
import { compareTaskIds, type TaskState } from "@/lib/task-state";

/** What each agent of the run was reminded of, and why; what was kept of the run. */
export function MemoryTab() {
  const { runId } = useLens();
  const { task: chosen } = useView();
  const tasks = useShown((run) => run.tasks);
  const all = useShown((run) => run.recalls) ?? [];
  const recalls = chosen === null ? all : all.filter(({ taskId }) => taskId === chosen);
  if (tasks === undefined) return null;
  const groups = [...byTask(recalls)].sort(([one], [other]) => compareTaskIds(one, other));
  return (
    <div data-slot="memory-panel">
      {all.length > 0 ? (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-5 py-3 text-[13px]">
          <p className="min-w-0 flex-1 text-muted-foreground tabular-nums">
            {summary(memoriesOf(recalls).length, groups.length)}
          </p>
          {chosen === null ? null : (
            <Button
              variant="link"
              size="inline"
              className="text-[13px]"
              onClick={() => go({ task: null }, "replace")}
            >
              All agents
            </Button>
          )}
          <Button size="sm" data-slot="on-the-map" onClick={() => openMemoryMap(runId)}>
            <MapIcon aria-hidden className="!size-3.5" />
            Show on the map
          </Button>
        </div>
      ) : null}
      {groups.length === 0 ? <NothingRecalled tasks={tasks} chosen={chosen} /> : null}
      {groups.map(([taskId, own]) => (
        <section key={taskId} data-slot="recalled-by" data-task={taskId}>
          <Part>
            <h3 className="flex items-baseline gap-2 font-medium text-[13px]">
              <TaskLink taskId={taskId} className="min-w-0" />
              <span className="ml-auto shrink-0 font-normal text-faint-foreground text-xs">
                {taskId === MAIN ? null : tasks.get(taskId)?.role}
              </span>
            </h3>
            <RecallPart recalls={own} />
          </Part>
        </section>
      ))}
      <StoredPart runId={runId} taskId={chosen} />
    </div>
  );
}

function summary(memories: number, agents: number): string {
  if (memories === 0) return "This task was given no memory.";
  return `${plural(memories, "memory", "memories")} recalled${agents > 1 ? `, by ${plural(agents, "agent")}` : ""}.`;
}

/** Why there is nothing: because the agents' roles recall nothing, or because nothing fitted. */
function NothingRecalled({
  tasks,
  chosen,
}: {
  tasks: ReadonlyMap<string, TaskState>;
  chosen: string | null;
}) {
  const roles = useStore(session.roles.state);
  useEffect(() => void session.roles.load(), []);
  const asked = taskOrder(tasks).filter(({ id }) => chosen === null || id === chosen);
  const names = new Set(asked.map(({ role }) => role || "manager"));
  const policies = [...names].map((name) => roles.find((role) => role.name === name)?.memory?.recall);
  const none = policies.length > 0 && policies.every((recall) => recall?.length === 0);
  const words = none
    ? `Nothing was recalled: ${names.size === 1 ? "this role recalls" : "these roles recall"} nothing.`
    : "Nothing was recalled: nothing that is remembered fits what was asked.";
  return (
    <p data-slot="nothing-recalled" className="border-b px-5 py-4 text-[13px] text-muted-foreground">
      {words}
    </p>
  );
}
