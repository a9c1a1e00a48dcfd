"use client";

import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Ask } from "@/features/conversation/ask";
import { duration, prettyJson } from "@/lib/format";
import { memoryToolResult, memoryToolWords } from "@/lib/recall-words";
import type { CallState, TaskState } from "@/lib/run-state";
import { session } from "@/lib/session";

interface ToolCardProps {
  runId: string;
  call: CallState;
  task: TaskState | undefined;
  /** It can still be decided. */
  open: boolean;
}

/** A tool that an agent may use only with the user's leave. */
export function ToolCard({ runId, call, task, open }: ToolCardProps) {
  const role = task?.role || "manager";
  const tool = <code className="font-mono text-[0.92em] text-foreground">{call.name}</code>;
  const memory = memoryToolWords(call.name, call.arguments);
  const [sending, setSending] = useState(false);
  const decide = async (approved: boolean): Promise<void> => {
    setSending(true);
    const sent = await session.decideTool(runId, call.id, approved);
    if (!sent) setSending(false);
  };
  return (
    <Ask
      slot="tool-approval"
      id={call.id}
      role={role}
      settled={!open}
      title={
        open ? (
          <>
            The {role} wants to {memory === null ? <>use {tool}</> : memory.wants}
          </>
        ) : (
          <>
            {outcome(call)} {tool}
            {call.result === null ? "" : `: ${resultWords(call)}`}
          </>
        )
      }
    >
      {open ? (
        <>
          {memory === null ? null : <blockquote className="text-sm">{memory.what}</blockquote>}
          {call.because.length > 0 ? (
            <p data-slot="because" className="text-muted-foreground text-sm">
              It asks because of what is in its context from outside: {call.because.join(", ")}. Look whether
              you want this, and not only that text.
            </p>
          ) : null}
          <pre
            tabIndex={0}
            className="max-h-64 overflow-auto whitespace-pre-wrap break-words rounded-md bg-muted px-3 py-2 font-mono text-[13px] leading-5"
          >
            {prettyJson(call.arguments)}
          </pre>
          <div className="flex gap-2">
            <Button variant="primary" data-slot="allow" disabled={sending} onClick={() => void decide(true)}>
              Allow
            </Button>
            <Button data-slot="refuse" disabled={sending} onClick={() => void decide(false)}>
              Refuse
            </Button>
          </div>
        </>
      ) : null}
    </Ask>
  );
}

function outcome(call: CallState): string {
  if (call.decided === null) return "You did not decide on";
  return call.decided ? "You allowed" : "You refused";
}

export function resultWords(call: CallState): string {
  if (call.result === null) return "running";
  const memory = memoryToolResult(call.name, call.result.ok, call.result.content);
  if (memory !== null) return memory;
  return call.result.ok ? `done in ${duration(call.result.ms)}` : "it failed";
}
