"use client";

import { FileText } from "lucide-react";
import { createContext, Fragment, type MouseEvent, type ReactNode, useContext, useMemo } from "react";
import { useView } from "@/hooks/use-session";
import { agentColourVar } from "@/lib/agent-colour";
import { splitCitations } from "@/lib/citations";
import { cn } from "@/lib/cn";
import { addressOf, go, type View } from "@/lib/location";
import { MAIN } from "@/lib/protocol";
import { type FileSource, sourcesOf } from "@/lib/recall-state";
import type { RunState, TaskState } from "@/lib/run-state";
import { taskTitle } from "@/lib/task-words";

interface Cited {
  runId: string;
  tasks: RunState["tasks"];
  sources: readonly FileSource[];
}

const CitedRun = createContext<Cited | null>(null);

interface CitationsProps extends Pick<RunState, "tasks" | "recalls"> {
  runId: string;
  children: ReactNode;
}

/** In here, `[2]` in a text leads to task 2 of this run, and `[handbook.pdf, page 3]` to that place in the file. */
export function Citations({ runId, tasks, recalls, children }: CitationsProps) {
  const sources = useMemo(() => sourcesOf(recalls), [recalls]);
  const cited = useMemo(
    () => (tasks.size > 1 || sources.length > 0 ? { runId, tasks, sources } : null),
    [runId, tasks, sources],
  );
  return <CitedRun.Provider value={cited}>{children}</CitedRun.Provider>;
}

/** Text of an answer, its citations as links. */
export function CitedText({ text }: { text: string }) {
  const cited = useContext(CitedRun);
  if (cited === null) return <>{text}</>;
  const parts = splitCitations(text, (id) => id !== MAIN && cited.tasks.has(id), cited.sources);
  return parts.map((part, at) => {
    if (typeof part === "string") return <Fragment key={at}>{part}</Fragment>;
    if ("source" in part) return <FileCitation key={at} source={part.source} inline />;
    const task = cited.tasks.get(part.taskId);
    return task === undefined ? null : <Citation key={at} runId={cited.runId} task={task} />;
  });
}

/** A place in a file, by name; leads to it. */
export function FileCitation({ source, inline = false }: { source: FileSource; inline?: boolean }) {
  const view = useView();
  const target: Partial<View> = {
    page: "knowledge",
    document: source.documentId,
    memory: source.memoryId,
    dialog: null,
  };
  return (
    <a
      data-slot="file-citation"
      data-document={source.documentId}
      href={addressOf({ ...view, ...target })}
      title="Open the file at this place"
      onClick={(event) => follow(event, target)}
      className={cn(
        "!text-muted-foreground hover:!text-foreground !no-underline rounded bg-muted px-1.5 text-[12px] leading-5 hover:bg-accent",
        inline ? "inline-flex max-w-full items-baseline gap-1" : "flex min-w-0 items-center gap-1",
      )}
    >
      <FileText aria-hidden className="size-3 shrink-0 self-center" />
      <bdi className="min-w-0 truncate">{source.label}</bdi>
    </a>
  );
}

function follow(event: MouseEvent, target: Partial<View>): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go(target);
}

function Citation({ runId, task }: { runId: string; task: TaskState }) {
  const view = useView();
  const target: Partial<View> = { run: runId, task: task.id, inspect: true };
  return (
    <a
      data-slot="citation"
      href={addressOf({ ...view, ...target })}
      title={`${task.role}: ${taskTitle(task)}`}
      aria-label={`Task ${task.id}: ${taskTitle(task)}`}
      onClick={(event) => follow(event, target)}
      style={{ borderColor: agentColourVar(task.role) }}
      className="citation"
    >
      {task.id}
    </a>
  );
}
