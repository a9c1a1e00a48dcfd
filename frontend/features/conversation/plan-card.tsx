"use client";

import { Plus } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { Ask } from "@/features/conversation/ask";
import { PlanTaskRow } from "@/features/conversation/plan-task-row";
import { plural } from "@/lib/format";
import {
  addTask,
  changeTask,
  draftOf,
  draftProblem,
  isChanged,
  mayWaitFor,
  type PlanDraft,
  removeTask,
} from "@/lib/plan-draft";
import { MAIN } from "@/lib/protocol";
import type { PlanState, TaskState } from "@/lib/run-state";
import { session } from "@/lib/session";

interface PlanCardProps {
  runId: string;
  task: TaskState;
  plan: PlanState;
  /** It can still be decided. */
  open: boolean;
}

/** A plan that waits for the user: to read, to change, to approve or to turn down. */
export function PlanCard({ runId, task, plan, open }: PlanCardProps) {
  const role = task.role || "manager";
  const whose = task.id === MAIN ? "" : ` for task ${task.id}`;
  const tasks = plural(plan.plan.tasks.length, "task");
  const title = open
    ? `The ${role} made a plan${whose}: ${tasks}`
    : plan.decided === null
      ? `The ${role}’s plan${whose} was not decided on`
      : plan.decided
        ? `You approved the plan${whose}`
        : `You had it answered without a plan${whose}`;
  return (
    <Ask slot="plan-approval" id={task.id} role={role} settled={!open} title={title}>
      {open && plan.plan.reason ? (
        <p className="text-[13px] text-muted-foreground">{plan.plan.reason}</p>
      ) : null}
      {open ? <PlanForm runId={runId} taskId={task.id} plan={plan} /> : null}
    </Ask>
  );
}

function PlanForm({ runId, taskId, plan }: { runId: string; taskId: string; plan: PlanState }) {
  const before = plan.plan.tasks;
  const [draft, setDraft] = useState<PlanDraft>(() => draftOf(before));
  const [sending, setSending] = useState(false);
  const [added, setAdded] = useState<string | null>(null);
  const problem = draftProblem(draft);
  useEffect(() => void session.roles.load(), []);
  const decide = async (approved: boolean): Promise<void> => {
    setSending(true);
    const tasks = approved && isChanged(draft, before) ? draft.tasks : undefined;
    const sent = await session.decidePlan(runId, taskId, approved, tasks);
    if (!sent) setSending(false);
  };
  const add = (): void => {
    const next = addTask(draft, taskId, draft.tasks.at(-1)?.role ?? "researcher");
    setDraft(next);
    setAdded(next.tasks.at(-1)?.id ?? null);
  };
  return (
    <form
      className="space-y-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (problem === null) void decide(true);
      }}
    >
      <ol className="border-t">
        {draft.tasks.map((task) => (
          <PlanTaskRow
            key={task.id}
            task={task}
            others={mayWaitFor(draft, task.id)}
            focus={task.id === added}
            onChange={(change) => setDraft((now) => changeTask(now, task.id, change))}
            onRemove={() => setDraft((now) => removeTask(now, task.id))}
          />
        ))}
      </ol>
      <div className="flex flex-wrap items-center gap-2">
        <Button
          type="submit"
          variant="primary"
          data-slot="approve-plan"
          disabled={problem !== null || sending}
        >
          {isChanged(draft, before) ? "Approve with changes" : "Approve"}
        </Button>
        <Button data-slot="decline-plan" disabled={sending} onClick={() => void decide(false)}>
          Answer without a plan
        </Button>
        <Button variant="ghost" data-slot="add-task" disabled={sending} onClick={add}>
          <Plus aria-hidden />
          Add a task
        </Button>
      </div>
      {problem === null ? null : (
        <p role="status" className="text-[13px] text-caution">
          {problem}
        </p>
      )}
    </form>
  );
}
