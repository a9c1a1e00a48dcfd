import { useState } from "react";
import { AgentDot } from "@/components/agent-dot";
import { Button } from "@/components/ui/button";
import { go } from "@/lib/location";
import type { MemoryUse } from "@/lib/memory-api";
import { ago, exactTime } from "@/lib/memory-words";

const AT_FIRST = 6;

/** Who was reminded of it, where and when; a click opens that answer. */
export function MemoryUses({ uses }: { uses: readonly MemoryUse[] }) {
  const [isAll, setAll] = useState(false);
  const now = Date.now();
  if (uses.length === 0) return <p className="text-muted-foreground">No agent was reminded of it yet.</p>;
  const listed = isAll ? uses : uses.slice(0, AT_FIRST);
  return (
    <>
      <ul data-slot="memory-uses" className="-mx-2">
        {listed.map((use, at) => (
          <li key={`${use.runId}/${use.messageId}/${at}`}>
            <button
              type="button"
              data-slot="memory-use"
              disabled={use.threadId === ""}
              onClick={() =>
                go({ page: null, thread: use.threadId, run: use.runId, inspect: true, tab: "memory" })
              }
              className="flex w-full items-baseline gap-2 rounded px-2 py-1 text-left hover:bg-accent disabled:hover:bg-transparent max-sm:py-2"
            >
              <AgentDot role={use.role} className="translate-y-[-1px]" />
              <span className="shrink-0">{use.role}</span>
              <span className="min-w-0 flex-1 truncate text-muted-foreground">
                {use.title === ""
                  ? use.threadId === ""
                    ? "in a chat that is gone"
                    : "in a chat"
                  : `in “${use.title}”`}
              </span>
              {use.score === 0 ? (
                <span
                  className="shrink-0 text-faint-foreground text-xs"
                  data-tip="Told besides what was found"
                >
                  always
                </span>
              ) : (
                <span className="shrink-0 text-faint-foreground text-xs tabular-nums" data-tip="Score">
                  {use.score.toFixed(2)}
                </span>
              )}
              <time
                title={exactTime(use.at)}
                className="w-18 shrink-0 text-right text-faint-foreground text-xs tabular-nums"
              >
                {ago(use.at, now)}
              </time>
            </button>
          </li>
        ))}
      </ul>
      {uses.length > listed.length ? (
        <Button variant="quiet" size="sm" className="-ml-2" onClick={() => setAll(true)}>
          {uses.length - listed.length} more
        </Button>
      ) : null}
    </>
  );
}
