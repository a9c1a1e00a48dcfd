"use client";

import { Select } from "@/components/ui/select";
import { ModelCall } from "@/features/inspector/model-call";
import { Nothing, Part } from "@/features/inspector/part";
import { promptTokens, stepWord } from "@/features/inspector/task-figures";
import { TrimList } from "@/features/inspector/trim-list";
import { useLens, useShown } from "@/features/inspector/use-lens";
import { useView } from "@/hooks/use-session";
import { CACHE_NAMES, hitReason, savedWords } from "@/lib/cache-words";
import { triedWords, writerOf } from "@/lib/failover-words";
import { duration, money, plural } from "@/lib/format";
import { taskOrder } from "@/lib/lanes";
import { go } from "@/lib/location";
import type { MessageState } from "@/lib/message-state";
import type { RunState } from "@/lib/run-state";
import type { TaskState } from "@/lib/task-state";
import { taskTitle } from "@/lib/task-words";

/** What filled the window of one model call, and its prompt; the newest of the chosen task, or the one chosen here. */
export function ContextTab() {
  const lens = useLens();
  const { task: taskId, call: wanted } = useView();
  const tasks = useShown((run) => run.tasks);
  const refused = useShown((run) => run.trims);
  const run = lens.shown.get();
  if (tasks === undefined || run === undefined) return null;
  const calls = callsOf(run, tasks);
  const unsent = [...(refused?.values() ?? [])].flat();
  const ofTask = calls.filter(({ task }) => task.id === taskId);
  const chosen =
    calls.find(
      ({ message }) => message.start.messageId === wanted && (taskId === null || taskId === message.taskId),
    ) ??
    ofTask.at(-1) ??
    calls[0];
  return (
    <>
      {unsent.length > 0 ? (
        <Part title="A prompt that was not sent">
          <TrimList trims={unsent} />
        </Part>
      ) : null}
      {chosen === undefined ? (
        unsent.length > 0 ? null : (
          <Nothing>No model has been asked yet.</Nothing>
        )
      ) : (
        <Call chosen={chosen} calls={ofTask.length > 0 ? ofTask : calls} />
      )}
    </>
  );
}

interface TaskCall {
  task: TaskState;
  message: MessageState;
}

function Call({ chosen: { message }, calls }: { chosen: TaskCall; calls: readonly TaskCall[] }) {
  const hit = message.end?.cache;
  return (
    <>
      <Part>
        <div className="flex items-center gap-2 text-[13px]">
          <span className="whitespace-nowrap text-faint-foreground">Model call</span>
          <Select
            aria-label="Which model call"
            data-slot="choose-call"
            value={message.start.messageId}
            onChange={(event) => go({ call: event.target.value }, "replace")}
            className="w-full max-w-full truncate text-[13px]"
          >
            {calls.map((each) => (
              <option key={each.message.start.messageId} value={each.message.start.messageId}>
                {nameOf(each.task, each.message)}
              </option>
            ))}
          </Select>
        </div>
        <p className="text-[13px] text-muted-foreground tabular-nums">{factsOf(message)}</p>
        {hit ? (
          <p data-slot="call-cache" className="text-[13px] text-muted-foreground tabular-nums">
            Answered {CACHE_NAMES[hit.source]}
            {savedWords(hit) === null ? "" : `; saved ${savedWords(hit)}`}. {hitReason(hit)}
          </p>
        ) : null}
      </Part>
      <Part title="What filled the window">
        <ModelCall message={message} />
      </Part>
    </>
  );
}

function callsOf(run: RunState, tasks: ReadonlyMap<string, TaskState>): TaskCall[] {
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
  return `${name}${step === null ? "" : `, ${step}`} (${plural(promptTokens(message), "token")})`;
}

function factsOf(message: MessageState): string {
  const { start, end, attempt } = message;
  const timing = end?.timing;
  return [
    `${start.model} at ${writerOf(message) ?? start.endpoint}`,
    triedWords(end?.tried ?? []),
    attempt > 1 ? `attempt ${attempt}` : null,
    timing?.first_token_ms ? `first token after ${duration(timing.first_token_ms)}` : null,
    timing?.total_ms ? `all after ${duration(timing.total_ms)}` : null,
    end?.usage.cached_tokens ? `${plural(end.usage.cached_tokens, "token")} read before` : null,
    end?.cost ? money(end.cost) : null,
    end?.usage.doubted ? "the endpoint’s own count cannot be true" : null,
  ]
    .filter(Boolean)
    .join(" · ");
}
