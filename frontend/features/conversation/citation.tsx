"use client";

import { createContext, Fragment, type MouseEvent, type ReactNode, useContext, useMemo } from "react";
import { useView } from "@/hooks/use-session";
import { agentColourVar } from "@/lib/agent-colour";
import { splitCitations } from "@/lib/citations";
import { addressOf, go, type View } from "@/lib/location";
import { MAIN } from "@/lib/protocol";
import type { RunState, TaskState } from "@/lib/run-state";
import { taskTitle } from "@/lib/task-words";

interface Cited {
  runId: string;
  tasks: RunState["tasks"];
}

const CitedRun = createContext<Cited | null>(null);

/** In here, `[2]` in a text leads to task 2 of this run. */
export function Citations({ runId, tasks, children }: Cited & { children: ReactNode }) {
  const cited = useMemo(() => (tasks.size > 1 ? { runId, tasks } : null), [runId, tasks]);
  return <CitedRun.Provider value={cited}>{children}</CitedRun.Provider>;
}

/** Text of an answer, its citations as links. */
export function CitedText({ text }: { text: string }) {
  const cited = useContext(CitedRun);
  if (cited === null) return text;
  const parts = splitCitations(text, (id) => id !== MAIN && cited.tasks.has(id));
  return parts.map((part, at) => {
    if (typeof part === "string") return <Fragment key={at}>{part}</Fragment>;
    const task = cited.tasks.get(part.taskId);
    return task === undefined ? null : <Citation key={at} runId={cited.runId} task={task} />;
  });
}

function Citation({ runId, task }: { runId: string; task: TaskState }) {
  const view = useView();
  const target: Partial<View> = { run: runId, task: task.id, inspect: true };
  const follow = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(target);
  };
  return (
    <a
      data-slot="citation"
      href={addressOf({ ...view, ...target })}
      title={`${task.role}: ${taskTitle(task)}`}
      aria-label={`Task ${task.id}: ${taskTitle(task)}`}
      onClick={follow}
      style={{ borderColor: agentColourVar(task.role) }}
      className="citation"
    >
      {task.id}
    </a>
  );
}
