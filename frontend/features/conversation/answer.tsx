"use client";

import { ChevronRight } from "lucide-react";
import { WorkingDot } from "@/components/ui/working-dot";
import { Markdown } from "@/features/conversation/markdown";
import { useOnline } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { isOpen } from "@/lib/message-state";
import { MAIN } from "@/lib/protocol";
import type { MessageState, RunState } from "@/lib/run-state";
import { isOver } from "@/lib/task-state";

/** The text of the answer, as far as it has come. */
export function Answer({ run, working }: { run: RunState; working: boolean }) {
  const online = useOnline();
  const message = run.message;
  const broken = run.status === "failed" && message !== null && message.end === null;
  const text = message === null ? "" : message.text || (broken ? message.lost : "");
  const waiting =
    working && online && (message === null || (message.text === "" && message.reasoning === ""));
  return (
    <div
      data-slot="answer"
      data-attempt={message?.attempt}
      aria-busy={working && online}
      className="space-y-3"
    >
      {message !== null && message.reasoning !== "" ? (
        <Thinking message={message} working={working && online} />
      ) : null}
      {message !== null && text !== "" ? (
        <div data-slot="answer-text" data-broken={broken || undefined} className={cn(broken && "opacity-75")}>
          <Markdown
            key={`${message.start.messageId} ${message.attempt}`}
            source={text}
            open={message.end === null && working}
          />
        </div>
      ) : null}
      {broken && text !== "" ? (
        <p data-slot="broken-off" className="text-[13px] text-muted-foreground">
          This much had come before it broke off.
        </p>
      ) : null}
      {waiting ? <Waiting run={run} /> : null}
      {!working && message?.end?.finishReason === "length" ? (
        <p className="text-[13px] text-caution">The answer was cut at its length limit.</p>
      ) : null}
      {run.status === "canceled" ? <p className="text-[13px] text-faint-foreground">Stopped.</p> : null}
    </div>
  );
}

function Waiting({ run }: { run: RunState }) {
  const last = run.failures.at(-1);
  const { message } = run;
  if (last !== undefined && last.messageId === message?.start.messageId && last.attempt === message.attempt)
    return null;
  const words = waitingWords(run);
  if (words === null) return null;
  return (
    <p role="status" className="flex h-6 items-center gap-2.5 text-muted-foreground text-sm">
      <WorkingDot aria-hidden />
      {words}
    </p>
  );
}

/** What the answer waits for; `null` where that is shown already. */
function waitingWords({ tasks, messages, message, paused }: RunState): string | null {
  const all = [...tasks.values()];
  if (all.some((task) => task.status === "input_required")) return null;
  if (all.some((task) => task.id !== MAIN && !isOver(task))) return null;
  if (paused) return null;
  const newest = messages.get(tasks.get(MAIN)?.messages.at(-1) ?? "");
  if (newest !== undefined && isOpen(newest) && newest.step === "decide") return "Thinking about a plan";
  if (all.length > 1) return "Joining the results";
  if (message === null) return "Choosing how to answer";
  const prompt = message.start.sections.reduce((sum, section) => sum + section.tokens, 0);
  return prompt > 1500 ? "Reading the conversation" : "Thinking";
}

function Thinking({ message, working }: { message: MessageState; working: boolean }) {
  const now = working && message.text === "";
  return (
    <details data-slot="thinking" className="group/thinking text-[13px] text-muted-foreground">
      <summary className="flex w-fit list-none items-center gap-1.5 rounded hover:text-foreground [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-3.5 transition-transform group-open/thinking:rotate-90" />
        {now ? "Thinking" : "Thought about it"}
        {now ? <WorkingDot aria-hidden className="size-1.5" /> : null}
      </summary>
      <div className="mt-2 ml-1.5 whitespace-pre-wrap border-l pl-4 leading-5">{message.reasoning}</div>
    </details>
  );
}
