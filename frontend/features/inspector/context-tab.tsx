"use client";

import { Select } from "@/components/ui/select";
import { ModelCall } from "@/features/inspector/model-call";
import { Nothing, Part } from "@/features/inspector/part";
import { promptTokens, stepWord } from "@/features/inspector/task-figures";
import { useLens, useShown } from "@/features/inspector/use-lens";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { count, duration } from "@/lib/format";
import { taskOrder } from "@/lib/lanes";
import type { MessageState } from "@/lib/message-state";
import type { RunState } from "@/lib/run-state";
import type { TaskState } from "@/lib/task-state";
import { taskTitle } from "@/lib/task-words";

/** What filled the window of one model call, and its prompt; the newest of the chosen task, or the one chosen here. */
export function ContextTab() {
  const lens = useLens();
  const { task: taskId } = useView();
  const tasks = useShown((run) => run.tasks);
  const wanted = useStore(lens.message);
  const run = lens.shown.get();
  if (tasks === undefined || run === undefined) return null;
  const calls = callsOf(run, tasks);
  if (calls.length === 0) return <Nothing>No model has been asked yet.</Nothing>;
  const ofTask = calls.filter(({ task }) => task.id === taskId);
  const chosen =
    calls.find(
      ({ message }) => message.start.messageId === wanted && (taskId === null || taskId === message.taskId),
    ) ??
    ofTask.at(-1) ??
    calls[0];
  if (chosen === undefined) return null;
  const { start } = chosen.message;
  return (
    <>
      <Part>
        <div className="flex items-center gap-2 text-[13px]">
          <span className="whitespace-nowrap text-faint-foreground">Model call</span>
          <Select
            aria-label="Which model call"
            data-slot="choose-call"
            value={start.messageId}
            onChange={(event) => lens.message.set(event.target.value)}
            className="w-full max-w-full truncate text-[13px]"
          >
            {(ofTask.length > 0 ? ofTask : calls).map(({ task, message }) => (
              <option key={message.start.messageId} value={message.start.messageId}>
                {nameOf(task, message)}
              </option>
            ))}
          </Select>
        </div>
        <p className="text-[13px] text-muted-foreground tabular-nums">{factsOf(chosen.message)}</p>
      </Part>
      <Part title="What filled the window">
        <ModelCall start={start} />
      </Part>
    </>
  );
}

function callsOf(
  run: RunState,
  tasks: ReadonlyMap<string, TaskState>,
): { task: TaskState; message: MessageState }[] {
  return taskOrder(tasks).flatMap((task) =>
    task.messages.flatMap((id) => {
      const message = run.messages.get(id);
      return message === undefined ? [] : [{ task, message }];
    }),
  );
}

function nameOf(task: TaskState, message: MessageState): string {
  const name = task.parentId === null ? "Manager" : `${task.id} ${taskTitle(task)}`;
  const step = stepWord(message.step);
  return `${name}${step === null ? "" : `, ${step}`} (${count(promptTokens(message))} tokens)`;
}

function factsOf({ start, end, attempt }: MessageState): string {
  const timing = end?.timing;
  return [
    `${start.model} at ${start.endpoint}`,
    attempt > 1 ? `attempt ${attempt}` : null,
    timing?.first_token_ms ? `first token after ${duration(timing.first_token_ms)}` : null,
    timing?.total_ms ? `all after ${duration(timing.total_ms)}` : null,
    end?.usage.cached_tokens ? `${count(end.usage.cached_tokens)} tokens from the cache` : null,
  ]
    .filter(Boolean)
    .join(" · ");
}
