"use client";

import { ChevronRight } from "lucide-react";
import { memo } from "react";
import { resultWords } from "@/features/conversation/tool-card";
import { plural, prettyJson } from "@/lib/format";
import { MAIN } from "@/lib/protocol";
import { memoryToolWords } from "@/lib/recall-words";
import type { CallState, RunState } from "@/lib/run-state";

/** The tools that the answer itself made use of; those of other tasks are looked at with them. */
export const ToolLines = memo(function ToolLines({ tasks, calls }: Pick<RunState, "tasks" | "calls">) {
  const shown = (tasks.get(MAIN)?.calls ?? []).flatMap((id) => {
    const call = calls.get(id);
    return call === undefined || call.needsApproval ? [] : [call];
  });
  if (shown.length === 0) return null;
  return (
    <ul aria-label="Tools used" className="text-[13px] text-muted-foreground">
      {shown.map((call) => (
        <li key={call.id}>
          <ToolLine call={call} />
        </li>
      ))}
    </ul>
  );
});

function ToolLine({ call }: { call: CallState }) {
  const memory = memoryToolWords(call.name, call.arguments);
  return (
    <details data-slot="tool-call" data-ok={call.result?.ok} className="group/call">
      <summary className="flex h-7 w-fit max-w-full list-none items-center gap-1.5 rounded hover:text-foreground [&::-webkit-details-marker]:hidden">
        <ChevronRight
          aria-hidden
          className="size-3.5 shrink-0 transition-transform group-open/call:rotate-90"
        />
        {memory === null ? (
          <>
            <code className="font-mono text-foreground text-xs">{call.name}</code>
            <span className="truncate text-faint-foreground text-xs">
              {call.arguments === "{}" ? "" : call.arguments}
            </span>
          </>
        ) : (
          <>
            <span className="shrink-0 text-foreground">{memory.did}</span>
            <q className="truncate">{memory.what}</q>
          </>
        )}
        <span className="shrink-0 text-xs tabular-nums">{resultWords(call)}</span>
      </summary>
      <div className="mt-1 mb-2 ml-1.5 space-y-2 border-l pl-4 font-mono text-xs leading-5">
        <pre className="whitespace-pre-wrap break-words">{prettyJson(call.arguments)}</pre>
        {call.result === null ? null : (
          <pre
            className="max-h-64 overflow-auto whitespace-pre-wrap break-words text-foreground"
            tabIndex={0}
          >
            {call.result.content}
            {call.result.leftOut > 0 ? `\n… ${plural(call.result.leftOut, "character")} left out` : ""}
          </pre>
        )}
      </div>
    </details>
  );
}
