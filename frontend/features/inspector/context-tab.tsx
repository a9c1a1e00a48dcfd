"use client";

import { ModelCall } from "@/features/inspector/model-call";
import { Nothing, Part } from "@/features/inspector/part";
import { promptTokens, stepWord, titleOf } from "@/features/inspector/task-figures";
import { useLens, useShown } from "@/features/inspector/use-lens";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { count, duration } from "@/lib/format";
import { taskOrder } from "@/lib/lanes";
import type { MessageState } from "@/lib/message-state";
import type { RunState } from "@/lib/run-state";
import type { TaskState } from "@/lib/task-state";

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
        <label className="block space-y-1.5 text-[13px]">
          <span className="text-faint-foreground text-xs">Model call</span>
          <select
            data-slot="choose-call"
            value={start.messageId}
            onChange={(event) => lens.message.set(event.target.value)}
            className="h-8 w-full rounded-md border border-input bg-transparent px-2 text-[13px] max-sm:h-10 max-sm:text-base"
          >
            {(ofTask.length > 0 ? ofTask : calls).map(({ task, message }) => (
              <option key={message.start.messageId} value={message.start.messageId}>
                {nameOf(task, message)}
              </option>
            ))}
          </select>
        </label>
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
  const name = task.parentId === null ? "Manager" : `${task.id} ${titleOf(task)}`;
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
