"use client";

import { useState } from "react";
import { Button } from "@/components/ui/button";
import { RunLink } from "@/features/learning/run-link";
import { useNow } from "@/hooks/use-now";
import { contextWords, costWords, score, timeWords } from "@/lib/belief-words";
import { ago, exactTime } from "@/lib/memory-words";
import { MAIN } from "@/lib/protocol";
import type { Tried } from "@/lib/versions-api";

const FIRST = 12;

/** The tasks that speak, the newest first, each with the way to its run. */
export function TriedTasks({ tried }: { tried: readonly Tried[] }) {
  const [all, setAll] = useState(false);
  const now = useNow();
  const shown = [...tried].reverse().slice(0, all ? tried.length : FIRST);
  return (
    <div className="space-y-2">
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Tasks it was tried on">
        <table data-slot="tried" className="w-full min-w-[34rem] text-left text-xs tabular-nums">
          <thead className="text-muted-foreground">
            <tr className="border-b [&>th]:py-1.5 [&>th]:pr-4 [&>th]:font-normal">
              <th>Run</th>
              <th>Who</th>
              <th>Kind</th>
              <th>Reward</th>
              <th>Time</th>
              <th>Cost</th>
            </tr>
          </thead>
          <tbody className="divide-y">
            {shown.map((task) => (
              <tr
                key={`${task.runId} ${task.arm}`}
                data-run={task.runId}
                className="[&>td]:py-1.5 [&>td]:pr-4"
              >
                <td title={exactTime(task.at)}>
                  {task.threadId ? (
                    <RunLink threadId={task.threadId} runId={task.runId} taskId={MAIN}>
                      {ago(task.at, now)}
                    </RunLink>
                  ) : (
                    ago(task.at, now)
                  )}
                </td>
                <td>{task.arm === "candidate" ? "This version" : "What acts now"}</td>
                <td>{contextWords(task.context)}</td>
                <td>
                  {task.reward === null ? (
                    <span className="text-muted-foreground">waits</span>
                  ) : (
                    score(task.reward)
                  )}
                  {task.error === "" ? null : <span className="text-destructive"> failed: {task.error}</span>}
                </td>
                <td>{timeWords(task.ms)}</td>
                <td>{costWords(task.cost)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {tried.length > FIRST && !all ? (
        <Button variant="link" size="inline" className="text-xs" onClick={() => setAll(true)}>
          Show all {tried.length}
        </Button>
      ) : null}
    </div>
  );
}
