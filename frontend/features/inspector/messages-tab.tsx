"use client";

import { ArrowRight } from "lucide-react";
import { AgentDot } from "@/components/agent-dot";
import { AgentText } from "@/features/inspector/agent-text";
import { MemoryLink } from "@/features/inspector/memory-link";
import { Nothing, Part } from "@/features/inspector/part";
import { TaskLink } from "@/features/inspector/task-link";
import { useShown, useWhole } from "@/features/inspector/use-lens";
import { useView } from "@/hooks/use-session";
import { duration, plural } from "@/lib/format";
import { MAIN } from "@/lib/protocol";
import { MEMORY } from "@/lib/recall-state";
import type { HistoryItem } from "@/lib/run-state";
import type { BoardEntry, MailItem } from "@/lib/task-state";

/** What the agents told one another, and what stands on their blackboard. */
export function MessagesTab() {
  const { task } = useView();
  const mail = useShown((run) => run.mail) ?? [];
  const board = useShown((run) => run.board);
  const startedAt = useWhole((run) => run.startedAt) ?? 0;
  const role = useWhole((run) => run.tasks.get(task ?? "")?.role);
  const chosen = task === null ? mail : mail.filter((item) => concerns(item, task, role ?? ""));
  if (mail.length === 0 && !board?.size)
    return <Nothing>No agent has told another anything, and their blackboard is empty.</Nothing>;
  return (
    <>
      <Part title={task === null ? "Messages" : "Messages from and to the chosen task"}>
        {chosen.length === 0 ? <p className="text-[13px] text-muted-foreground">None.</p> : null}
        <ol data-slot="mail" className="divide-y">
          {chosen.map((item) => (
            <Mail key={item.seq} item={item} startedAt={startedAt} />
          ))}
        </ol>
      </Part>
      {board?.size ? (
        <Part title="Blackboard">
          <ul data-slot="board" className="divide-y">
            {[...board.values()].map((entry) => (
              <Board key={entry.key} entry={entry} />
            ))}
          </ul>
        </Part>
      ) : null}
    </>
  );
}

function concerns(item: MailItem, task: string, role: string): boolean {
  return item.taskId === task || [task, role, "team"].includes(item.recipient);
}

function Mail({ item, startedAt }: { item: MailItem; startedAt: number }) {
  const isTask = useWhole((run) => run.tasks.has(item.recipient)) ?? false;
  return (
    <li data-slot="mail-item" className="space-y-1 py-2.5 first:pt-0 last:pb-0">
      <p className="flex items-baseline gap-1.5 text-xs">
        {item.sender === MEMORY ? (
          <span className="font-medium">memory</span>
        ) : (
          <TaskLink taskId={item.taskId || MAIN} className="min-w-0 max-w-[38%] font-medium" />
        )}
        <ArrowRight
          role="img"
          aria-label="to"
          className="size-3 shrink-0 self-center text-faint-foreground"
        />
        {isTask ? (
          <TaskLink taskId={item.recipient} className="min-w-0 max-w-[38%] font-medium" />
        ) : (
          <span className="inline-flex min-w-0 items-baseline gap-1.5 truncate font-medium">
            {item.recipient === "team" ? null : <AgentDot role={item.recipient} />}
            {item.recipient === "team" ? "everybody" : item.recipient}
          </span>
        )}
        <span className="ml-auto whitespace-nowrap text-faint-foreground tabular-nums">
          {item.kind} · +{duration(item.at - startedAt)}
        </span>
      </p>
      <AgentText text={item.text} />
      {item.sender === MEMORY ? (
        <p className="flex flex-wrap gap-x-2 text-faint-foreground text-xs">
          {item.refs.map((id) => (
            <MemoryLink key={id} id={id}>
              See the memory
            </MemoryLink>
          ))}
        </p>
      ) : item.refs.length > 0 ? (
        <p className="flex flex-wrap gap-x-2 text-faint-foreground text-xs">
          Speaks of
          {item.refs.map((ref) => (
            <TaskLink key={ref} taskId={ref} />
          ))}
        </p>
      ) : null}
    </li>
  );
}

/** Earlier versions of a key on the blackboard, newest first; they are in the history. */
function versionsOf(history: readonly HistoryItem[], key: string): { version: number; text: string }[] {
  return history
    .flatMap(({ event }) =>
      event.type === "CUSTOM" && event.name === "alma.board" && event.value.key === key ? [event.value] : [],
    )
    .reverse()
    .slice(1);
}

function Board({ entry }: { entry: BoardEntry }) {
  const history = useShown((run) => run.history) ?? [];
  const earlier = versionsOf(history, entry.key);
  return (
    <li className="space-y-1 py-2.5 first:pt-0 last:pb-0">
      <p className="flex items-baseline gap-2 text-xs">
        <span className="font-medium font-mono">{entry.key}</span>
        <span className="text-faint-foreground tabular-nums">version {entry.version}, by</span>
        <TaskLink taskId={entry.taskId} className="text-muted-foreground" />
      </p>
      <AgentText text={entry.text} />
      {earlier.length === 0 ? null : (
        <details className="text-xs">
          <summary className="w-fit text-muted-foreground hover:text-foreground">
            {plural(earlier.length, "earlier version")}
          </summary>
          <ol className="mt-1 space-y-1.5 border-l pl-3">
            {earlier.map(({ version, text }) => (
              <li key={version} className="text-muted-foreground">
                <span className="text-faint-foreground tabular-nums">{version}</span> {text}
              </li>
            ))}
          </ol>
        </details>
      )}
    </li>
  );
}
