"use client";

import { useMemo } from "react";
import { Select } from "@/components/ui/select";
import { CompareTask } from "@/features/inspector/compare-task";
import { Nothing, Part } from "@/features/inspector/part";
import { figuresOf } from "@/features/inspector/task-figures";
import { useLens, useMoment, useWhole } from "@/features/inspector/use-lens";
import { useView } from "@/hooks/use-session";
import { usePart } from "@/hooks/use-store";
import { clockTime, count, shortDuration } from "@/lib/format";
import { taskOrder } from "@/lib/lanes";
import { go } from "@/lib/location";
import { isWorking, type RunState, type ThreadState } from "@/lib/run-state";
import { serverNow } from "@/lib/server-clock";
import { session } from "@/lib/session";
import { siblingsOf } from "@/lib/tree";

/** The run that `run` is best set beside: what it was made from, or the newest that was made from it. */
export function counterpartOf(thread: ThreadState, run: RunState): string | null {
  const origin = run.fork?.run_id ?? run.ofRunId;
  if (origin !== null && thread.runs.has(origin)) return origin;
  return siblingsOf(thread.tree, run.id).findLast((id) => id !== run.id) ?? null;
}

/** Two runs of one question side by side: their figures, and task by task what differs. */
export function CompareTab() {
  const { threadId, live } = useLens();
  const store = session.thread(threadId);
  const { compare } = useView();
  const tree = usePart(store, (thread) => thread.tree);
  const status = useWhole((run) => run.status);
  const run = live.get();
  const otherId =
    run === undefined
      ? null
      : compare !== null && compare !== run.id
        ? compare
        : counterpartOf(store.get(), run);
  const other = usePart(store, (thread) => thread.runs.get(otherId ?? ""));
  // The text is compared when a task ends, not at every token.
  const ended = useWhole((state) => state.tasks);
  if (run === undefined || ended === undefined || status === undefined) return null;
  if (other === undefined) return <Nothing>There is no other run of this question to set beside it.</Nothing>;
  const others = siblingsOf(tree, run.id).filter((id) => id !== run.id);
  return (
    <div data-slot="compare" className="@container">
      <Part>
        <div className="flex items-center gap-2 text-[13px]">
          <span className="text-faint-foreground">Beside</span>
          <Select
            aria-label="Beside which run"
            value={other.id}
            onChange={(event) => go({ compare: event.target.value }, "replace")}
          >
            {others.map((id) => (
              <option key={id} value={id}>
                {nameOf(store.get().runs.get(id), run)}
              </option>
            ))}
          </Select>
        </div>
        <Change run={run} />
        <Figures before={other} after={run} />
      </Part>
      <Tasks before={other} after={run} />
    </div>
  );
}

function nameOf(other: RunState | undefined, run: RunState): string {
  if (other === undefined) return "";
  const relation =
    other.id === (run.fork?.run_id ?? run.ofRunId)
      ? "the run it was made from"
      : other.fork
        ? "a fork"
        : "another run";
  return `${relation}, asked at ${clockTime(other.startedAt)}`;
}

/** What the fork asked to be other. */
function Change({ run }: { run: RunState }) {
  if (run.fork === null) return null;
  const { task_id, goal, role, model } = run.fork;
  const changes = [
    goal ? "another goal" : null,
    role ? `role ${role}` : null,
    model ? `model ${model}` : null,
  ].filter(Boolean);
  return (
    <p className="text-[13px] text-muted-foreground">
      Forked from task {task_id}
      {changes.length === 0 ? ", as it was." : ` with ${changes.join(", ")}.`}
    </p>
  );
}

interface Pair {
  before: RunState;
  after: RunState;
}

function totalsOf(run: RunState, now: number): { words: string; value: number }[] {
  let [tokensIn, tokensOut, failed] = [0, 0, 0];
  for (const task of run.tasks.values()) {
    const figures = figuresOf(run, task, now);
    tokensIn += figures.tokensIn;
    tokensOut += figures.tokensOut;
    if (task.status === "failed" || task.status === "rejected") failed++;
  }
  const end = isWorking(run) ? now : (run.history.at(-1)?.at ?? run.startedAt);
  const time = Math.max(0, end - run.startedAt);
  return [
    { words: shortDuration(time), value: time },
    { words: count(tokensIn), value: tokensIn },
    { words: count(tokensOut), value: tokensOut },
    { words: count(run.tasks.size - 1), value: run.tasks.size - 1 },
    { words: count(failed), value: failed },
  ];
}

const NAMES = ["Time", "Tokens in", "Tokens out", "Tasks", "Failed"];

function Figures({ before, after }: Pair) {
  const now = useMoment(isWorking(before) || isWorking(after));
  const left = totalsOf(before, isWorking(before) ? serverNow() : now);
  const right = totalsOf(after, now);
  return (
    <table data-slot="compare-figures" className="w-full text-[13px] tabular-nums">
      <thead className="text-faint-foreground text-xs">
        <tr>
          <td />
          <th scope="col" className="py-1 text-right font-normal">
            Beside
          </th>
          <th scope="col" className="py-1 text-right font-normal">
            This run
          </th>
          <th scope="col" className="w-24 py-1 text-right font-normal">
            Difference
          </th>
        </tr>
      </thead>
      <tbody className="divide-y">
        {NAMES.map((name, at) => {
          const [a, b] = [left[at], right[at]];
          return (
            <tr key={name}>
              <th scope="row" className="py-1 text-left font-normal text-muted-foreground">
                {name}
              </th>
              <td className="text-right">{a?.words}</td>
              <td className="text-right">{b?.words}</td>
              <td className="text-right text-muted-foreground">
                {difference(a?.value ?? 0, b?.value ?? 0, at === 0)}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function difference(a: number, b: number, isTime: boolean): string {
  const by = b - a;
  if (Math.abs(by) < (isTime ? 50 : 1)) return "–";
  const size = isTime ? shortDuration(Math.abs(by)) : count(Math.abs(by));
  return `${by > 0 ? "+" : "−"}${size}`;
}

function Tasks({ before, after }: Pair) {
  const ids = useMemo(() => {
    const all = new Map([...before.tasks, ...after.tasks]);
    return taskOrder(all).map(({ id }) => id);
  }, [before.tasks, after.tasks]);
  return ids.map((id) => <CompareTask key={id} taskId={id} before={before} after={after} />);
}
