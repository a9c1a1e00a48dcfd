"use client";

import { useEffect, useId, useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { useStore } from "@/hooks/use-store";
import { go } from "@/lib/location";
import { session } from "@/lib/session";
import type { TaskState } from "@/lib/task-state";
import { taskTitle } from "@/lib/task-words";

interface ForkDialogProps {
  threadId: string;
  runId: string;
  task: TaskState;
  onClose: () => void;
}

const FIELD =
  "w-full rounded-md border border-input bg-transparent px-2.5 text-[13px] outline-none focus-visible:border-ring focus-visible:ring-2 focus-visible:ring-ring/25 max-sm:text-base";

/** Does the run again from this task on, with another goal, role or model; what does not follow from it is kept. */
export function ForkDialog({ threadId, runId, task, onClose }: ForkDialogProps) {
  const id = useId();
  const roles = useStore(session.roles.state);
  useEffect(() => void session.roles.load(), []);
  const models = useStore(session.models.state).list?.models ?? [];
  const [goal, setGoal] = useState(task.spec?.goal ?? "");
  const [role, setRole] = useState(task.spec?.role ?? task.role);
  const [model, setModel] = useState("");
  const names = [...new Set([task.spec?.role ?? task.role, ...roles.map(({ name }) => name)])];
  const send = (): void => {
    session.forkRun(threadId, runId, {
      taskId: task.id,
      ...(goal.trim() !== (task.spec?.goal ?? "") ? { goal: goal.trim() } : {}),
      ...(role !== (task.spec?.role ?? task.role) ? { role } : {}),
      ...(model !== "" ? { model } : {}),
    });
    onClose();
    go({ tab: "compare", task: null }, "replace");
  };
  return (
    <Dialog open onOpenChange={(open) => (open ? undefined : onClose())}>
      <DialogContent
        data-slot="fork-dialog"
        title="Fork from this task"
        description={`“${taskTitle(task)}” is done again as you say here, with all that follows from it.`}
      >
        <form
          className="space-y-4 overflow-y-auto px-5 pb-5 text-[13px]"
          onSubmit={(event) => {
            event.preventDefault();
            send();
          }}
        >
          <div className="space-y-1.5">
            <label htmlFor={`${id}-goal`}>Goal</label>
            <textarea
              id={`${id}-goal`}
              rows={5}
              required
              value={goal}
              onChange={(event) => setGoal(event.target.value)}
              className={`${FIELD} resize-y py-2 leading-5`}
            />
          </div>
          <div className="grid gap-4 sm:grid-cols-2">
            <div className="space-y-1.5">
              <label htmlFor={`${id}-role`}>Role</label>
              <select
                id={`${id}-role`}
                value={role}
                onChange={(event) => setRole(event.target.value)}
                className={`${FIELD} h-8 max-sm:h-10`}
              >
                {names.map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            </div>
            <div className="space-y-1.5">
              <label htmlFor={`${id}-model`}>Model</label>
              <select
                id={`${id}-model`}
                value={model}
                onChange={(event) => setModel(event.target.value)}
                className={`${FIELD} h-8 max-sm:h-10`}
              >
                <option value="">As before</option>
                {models.map((each) => (
                  <option key={each.id} value={each.id}>
                    {each.id}
                  </option>
                ))}
              </select>
            </div>
          </div>
          <div className="flex justify-end gap-2 pt-1">
            <Button variant="ghost" onClick={onClose}>
              Leave it
            </Button>
            <Button type="submit" variant="primary" disabled={goal.trim() === ""}>
              Fork the run
            </Button>
          </div>
        </form>
      </DialogContent>
    </Dialog>
  );
}
