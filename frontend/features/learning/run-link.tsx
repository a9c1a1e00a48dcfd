"use client";

import type { ComponentProps, MouseEvent } from "react";
import { cn } from "@/lib/cn";
import { addressOf, go, HOME, type View } from "@/lib/location";
import { MAIN } from "@/lib/protocol";

interface RunLinkProps extends Omit<ComponentProps<"a">, "href" | "onClick"> {
  threadId: string;
  runId: string;
  taskId: string;
  /** Where its Why tab is to be open beside it. */
  why?: boolean;
}

/** The way to a run in its conversation. */
export function RunLink({ threadId, runId, taskId, why = false, className, ...props }: RunLinkProps) {
  const task = taskId.replace(/@\d+$/, ""); // an assignment that was given up is one of the task's
  const view: View = {
    ...HOME,
    thread: threadId,
    run: runId,
    task: task === MAIN ? null : task,
    inspect: why || task !== MAIN,
    tab: why ? "why" : null,
  };
  const clicked = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(view);
  };
  return (
    <a
      href={addressOf(view)}
      onClick={clicked}
      data-slot={why ? "run-why" : "run-link"}
      data-run={runId}
      className={cn(
        "text-primary underline decoration-primary/40 underline-offset-3 hover:decoration-primary",
        className,
      )}
      {...props}
    />
  );
}
