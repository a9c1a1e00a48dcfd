"use client";

import { memo } from "react";
import { WindowBar } from "@/components/window-bar";
import { windowUse, windowWords } from "@/lib/context-window";
import { count, percent, plural } from "@/lib/format";
import { go } from "@/lib/location";
import type { ContextNote, TextMessageStart } from "@/lib/protocol";
import { leftOutWords } from "@/lib/trim-words";

interface WindowLineProps {
  runId: string;
  start: TextMessageStart;
  trims: readonly ContextNote[];
}

/** Under an answer: what filled the window, to scale, and what had no room in it. Leads to the call behind it. */
export const WindowLine = memo(function WindowLine({ runId, start, trims }: WindowLineProps) {
  if (start.sections.length === 0) return null;
  const use = windowUse(start);
  const left = leftOutWords(trims, start.leftOutTurns);
  const open = (): void =>
    go({ run: runId, inspect: true, tab: "context", task: null, call: start.messageId });
  return (
    <div data-slot="window-line" className="text-faint-foreground text-xs">
      <button
        type="button"
        data-slot="open-context"
        onClick={open}
        className="group/bar flex w-full items-center gap-3 rounded py-1 tabular-nums"
      >
        <span className="sr-only">What filled the window: {windowWords(use)}</span>
        <WindowBar
          use={use}
          className="opacity-75 transition-opacity group-hover/bar:opacity-100 group-focus-visible/bar:opacity-100"
        />
        {use.known ? (
          <span className="whitespace-nowrap group-hover/bar:text-foreground">
            {percent(use.used / use.size)} of {count(use.size)}
          </span>
        ) : (
          <span className="whitespace-nowrap group-hover/bar:text-foreground">
            {plural(use.used, "token")}
          </span>
        )}
      </button>
      {left === null ? null : (
        <p data-slot="left-out" className="leading-5">
          {use.known
            ? `Left out, as the window has room for ${count(use.size)} tokens`
            : "Left out for lack of room"}
          : {left}.
        </p>
      )}
    </div>
  );
});
