"use client";

import { X } from "lucide-react";
import { AgentDot } from "@/components/agent-dot";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { Tooltip } from "@/components/ui/tooltip";
import { useStore } from "@/hooks/use-store";
import type { PlanTask } from "@/lib/protocol";
import { session } from "@/lib/session";
import { listed } from "@/lib/task-words";

interface PlanTaskRowProps {
  task: PlanTask;
  /** Tasks that it may wait for. */
  others: readonly PlanTask[];
  focus: boolean;
  onChange: (change: Partial<PlanTask>) => void;
  onRemove: () => void;
}

/** A task of a plan, to change: what is to be done, by whom, and after what. */
export function PlanTaskRow({ task, others, focus, onChange, onRemove }: PlanTaskRowProps) {
  const roles = useStore(session.roles.state);
  const names = roles.map(({ name }) => name);
  return (
    <li data-slot="plan-task" data-task={task.id} className="grid grid-cols-[1fr_auto] gap-x-2 border-b py-2">
      <textarea
        // biome-ignore lint/a11y/noAutofocus: the person has just asked for this task
        autoFocus={focus}
        rows={1}
        aria-label={`Goal of task ${task.id}`}
        value={task.goal}
        placeholder="What is to be done?"
        onChange={(event) => onChange({ goal: event.target.value })}
        className="field-sizing-content block min-h-7 w-full resize-none rounded bg-transparent py-0.5 text-[14px] leading-6 outline-none placeholder:text-faint-foreground focus-visible:bg-muted max-sm:text-base"
      />
      <Tooltip label="Remove">
        <Button variant="ghost" size="icon-sm" aria-label={`Remove task ${task.id}`} onClick={onRemove}>
          <X aria-hidden />
        </Button>
      </Tooltip>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-muted-foreground text-xs">
        <span className="tabular-nums">{task.id}</span>
        <span className="flex items-center gap-2">
          <AgentDot role={task.role} />
          <Select
            aria-label={`Agent for task ${task.id}`}
            value={task.role}
            title={roles.find(({ name }) => name === task.role)?.purpose}
            onChange={(event) => onChange({ role: event.target.value })}
          >
            {(names.includes(task.role) ? names : [task.role, ...names]).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </Select>
        </span>
        <After task={task} others={others} onChange={onChange} />
      </div>
    </li>
  );
}

/** Kept simple: at once, after one task, or after all that it may wait for; another set is kept as it was planned. */
function After({ task, others, onChange }: Pick<PlanTaskRowProps, "task" | "others" | "onChange">) {
  const waits = task.depends_on ?? [];
  const all = others.map(({ id }) => id);
  const choices: string[][] = [[], ...all.map((id) => [id]), ...(all.length > 1 ? [all] : [])];
  const key = (ids: readonly string[]): string => [...ids].sort().join(",");
  if (!choices.some((each) => key(each) === key(waits))) choices.push([...waits]);
  if (choices.length === 1) return null;
  return (
    <Select
      aria-label={`When task ${task.id} begins`}
      value={key(waits)}
      onChange={(event) =>
        onChange({ depends_on: choices.find((each) => key(each) === event.target.value) ?? [] })
      }
    >
      {choices.map((ids) => (
        <option key={key(ids)} value={key(ids)}>
          {ids.length === 0 ? "at once" : `after ${listed(ids)}`}
        </option>
      ))}
    </Select>
  );
}
