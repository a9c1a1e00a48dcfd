"use client";

import type { MouseEvent } from "react";
import { AgentDot } from "@/components/agent-dot";
import { openRun, runAddress } from "@/features/dashboard/open-run";
import { cn } from "@/lib/cn";
import { ago } from "@/lib/memory-words";
import { measure } from "@/lib/metric-units";
import type { BehindRun } from "@/lib/metrics-api";

const STATUS: Readonly<Record<string, string>> = {
  failed: "failed",
  canceled: "stopped",
  working: "under way",
  input_required: "waits for an answer",
};

/** A run, what it adds to the number, and the way to the very call. */
export function BehindRow({ run, unit }: { run: BehindRun; unit: string }) {
  const clicked = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    void openRun(run);
  };
  const title = run.title || "New chat";
  const isNamedAfterIt = run.text.startsWith(run.title.replace(/…$/, "")); // as chats are by their first task
  const status = STATUS[run.status];
  const failed = run.status === "failed" || run.error !== "";
  return (
    <li>
      <a
        href={runAddress(run)}
        data-slot="behind-run"
        data-run={run.runId}
        data-seq={run.seq}
        onClick={clicked}
        className="block px-4 py-2.5 transition-colors duration-100 hover:bg-accent/60 focus-visible:-outline-offset-2"
      >
        <span className="flex items-baseline gap-3">
          <span data-slot="behind-task" className="min-w-0 flex-1 truncate" title={run.text}>
            {run.text || title}
          </span>
          {unit === "count" ? null : (
            <span data-slot="behind-value" className="shrink-0 font-medium tabular-nums">
              {measure(run.value, unit)}
            </span>
          )}
        </span>
        {run.text === "" || isNamedAfterIt ? null : (
          <span data-slot="behind-chat" className="block truncate text-muted-foreground text-xs">
            {title}
          </span>
        )}
        <span className="flex items-center gap-1.5 text-muted-foreground text-xs tabular-nums">
          {run.agent === "" ? null : (
            <>
              <AgentDot role={run.agent} />
              <span className="shrink-0">{run.agent}</span>
              <span aria-hidden>·</span>
            </>
          )}
          {run.model === "" ? null : (
            <>
              <span className="min-w-0 truncate" title={run.endpoint}>
                {run.model}
              </span>
              <span aria-hidden>·</span>
            </>
          )}
          <span className="shrink-0">{ago(run.at, Date.now())}</span>
          {status === undefined && run.error === "" ? null : (
            <span className={cn("truncate", failed && "text-destructive")}>
              {[status, run.error.replaceAll("_", " ")].filter(Boolean).join(": ")}
            </span>
          )}
        </span>
      </a>
    </li>
  );
}
