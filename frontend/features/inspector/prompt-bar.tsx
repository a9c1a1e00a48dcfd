"use client";

import { useWhole } from "@/features/inspector/use-lens";
import { agentColourVar } from "@/lib/agent-colour";
import { count, plural } from "@/lib/format";
import type { Section, TextMessageStart } from "@/lib/protocol";
import type { TaskState } from "@/lib/task-state";
import { taskTitle } from "@/lib/task-words";

const WORDS: Record<string, string> = {
  role: "Role",
  history: "Earlier turns",
  task: "The task",
  message: "Message",
  tool: "Tool",
  board: "Blackboard",
};
const COLOURS = ["role", "history", "task", "tool"];

type Tasks = ReadonlyMap<string, TaskState> | undefined;

/** A result has the colour of the agent that wrote it. */
function colourOf({ name, ref }: Section, at: number, tasks: Tasks): string {
  const task = name === "result" && ref ? tasks?.get(ref) : undefined;
  if (task !== undefined) return agentColourVar(task.role);
  const known = COLOURS.indexOf(name);
  return `var(--series-${((known < 0 ? at : known) % COLOURS.length) + 1})`;
}

function nameOf({ name, ref, chars }: Section, tasks: Tasks): string {
  const cut = chars ? `, cut to ${count(chars)} characters` : "";
  const task = name === "result" && ref ? tasks?.get(ref) : undefined;
  if (task !== undefined) return `Result of “${taskTitle(task)}”${cut}`;
  return `${WORDS[name] ?? name}${ref ? ` ${ref}` : ""}${cut}`;
}

/** What filled the context window, to scale. */
export function PromptBar({ start }: { start: TextMessageStart }) {
  const tasks = useWhole((run) => run.tasks);
  const used = start.sections.reduce((sum, section) => sum + section.tokens, 0);
  const size = Math.max(start.contextWindow ?? 0, used);
  const percent = (tokens: number): string => `${(100 * tokens) / Math.max(1, size)}%`;
  return (
    <div data-slot="prompt-bar" className="space-y-3 text-[13px]">
      <p className="text-muted-foreground tabular-nums">
        {count(used)} tokens{start.contextWindow ? ` of a window of ${count(start.contextWindow)}` : ""}
        {start.leftOutTurns ? `; ${plural(start.leftOutTurns, "older turn")} did not fit` : ""}.
      </p>
      <div aria-hidden className="flex h-2 gap-px overflow-hidden rounded-full bg-muted">
        {start.sections.map((section, at) => (
          <div
            key={at}
            className="min-w-0.5"
            style={{ width: percent(section.tokens), background: colourOf(section, at, tasks) }}
          />
        ))}
      </div>
      <dl className="grid grid-cols-[auto_1fr_auto] items-center gap-x-2 gap-y-1 tabular-nums">
        {start.sections.map((section, at) => (
          <div key={at} className="col-span-3 grid grid-cols-subgrid items-center">
            <span
              aria-hidden
              className="size-2 rounded-full"
              style={{ background: colourOf(section, at, tasks) }}
            />
            <dt className="min-w-0 truncate">{nameOf(section, tasks)}</dt>
            <dd className="text-right text-muted-foreground">{count(section.tokens)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
