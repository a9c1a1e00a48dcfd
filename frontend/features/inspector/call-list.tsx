"use client";

import { Check, ChevronRight, X } from "lucide-react";
import { CopyButton } from "@/components/copy-button";
import { WorkingDot } from "@/components/ui/working-dot";
import { useShown } from "@/features/inspector/use-lens";
import { duration, plural } from "@/lib/format";
import { memoryToolWords } from "@/lib/recall-words";
import type { CallState } from "@/lib/task-state";

/** Tool calls with what they were given and what came back. */
export function CallList({ ids }: { ids: readonly string[] }) {
  return (
    <ol data-slot="calls" className="divide-y">
      {ids.map((id) => (
        <Call key={id} id={id} />
      ))}
    </ol>
  );
}

function Call({ id }: { id: string }) {
  const call = useShown((run) => run.calls.get(id));
  if (call === undefined) return null;
  const memory = memoryToolWords(call.name, call.arguments);
  return (
    <li data-slot="call" className="py-1 first:pt-0 last:pb-0">
      <details className="group/call text-[13px]">
        <summary className="flex list-none items-center gap-1.5 leading-6 hover:text-foreground [&::-webkit-details-marker]:hidden">
          <ChevronRight
            aria-hidden
            className="size-3.5 shrink-0 text-faint-foreground transition-transform group-open/call:rotate-90"
          />
          <span className="shrink-0 font-medium">{memory === null ? call.name : memory.did}</span>
          {memory === null ? (
            <span className="min-w-0 flex-1 truncate font-mono text-muted-foreground text-xs">
              {call.arguments}
            </span>
          ) : (
            <q className="min-w-0 flex-1 truncate text-muted-foreground">{memory.what}</q>
          )}
          <Outcome call={call} />
        </summary>
        <div className="space-y-2 pt-1 pb-2 pl-5">
          <Text title="Arguments" text={indented(call.arguments)} />
          {call.result === null ? null : <Text title="Result" text={call.result.content} />}
          {call.result !== null && call.result.leftOut > 0 ? (
            <p className="text-faint-foreground text-xs">
              {plural(call.result.leftOut, "character was", "characters were")} left out.
            </p>
          ) : null}
          {call.attempt > 1 ? (
            <p className="text-faint-foreground text-xs">
              A crash had cut it off; it was called again, which the tool says is harmless.
            </p>
          ) : null}
        </div>
      </details>
    </li>
  );
}

function Outcome({ call }: { call: CallState }) {
  if (call.result !== null)
    return (
      <span className="flex items-center gap-1.5 text-faint-foreground text-xs tabular-nums">
        {duration(call.result.ms)}
        {call.result.ok ? (
          <Check role="img" aria-label="Went well" className="size-3.5 text-good" />
        ) : (
          <X role="img" aria-label="Failed" className="size-3.5 text-destructive" />
        )}
      </span>
    );
  if (call.needsApproval && call.decided === null)
    return <span className="text-caution text-xs">waits for you</span>;
  if (call.decided === false) return <span className="text-muted-foreground text-xs">refused</span>;
  return <WorkingDot />;
}

function Text({ title, text }: { title: string; text: string }) {
  return (
    <div>
      <div className="flex items-center justify-between text-faint-foreground text-xs">
        {title}
        <CopyButton text={() => text} />
      </div>
      <pre
        tabIndex={0}
        className="max-h-64 overflow-auto whitespace-pre-wrap break-words font-mono text-xs leading-5"
      >
        {text}
      </pre>
    </div>
  );
}

function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
