"use client";

import { memo } from "react";
import { useColour, useWhole } from "@/features/inspector/use-lens";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { duration } from "@/lib/format";
import type { Bar, Row } from "@/lib/lanes";
import { go } from "@/lib/location";
import { taskTitle } from "@/lib/task-words";

const LANE = 12;

interface RowProps {
  row: Row;
  /** When the run began: bars are placed in ms since then. */
  origin: number;
}

/** Less than one sees. */
const CLOSE_MS = 5;

function isSameBar(a: Bar | undefined, b: Bar | undefined): boolean {
  if (a === undefined || b === undefined || a.id !== b.id || a.state !== b.state) return false;
  // How far an open bar has come is in the style sheet's hands.
  return Math.abs(a.from - b.from) < CLOSE_MS && (a.state === "open" || Math.abs(a.to - b.to) < CLOSE_MS);
}

/**
 * One task along the axis: its name, and its bars. They are placed by the CSS variables `--from`, `--size` and `--now`
 * of the list, so that zooming and the passing of time cost no rendering of rows.
 */
export const WaterfallRow = memo(
  WaterfallRowView,
  (before, after) =>
    before.origin === after.origin &&
    before.row.bars.length === after.row.bars.length &&
    before.row.bars.every((bar, at) => isSameBar(bar, after.row.bars[at])),
);

function WaterfallRowView({ row, origin }: RowProps) {
  const task = useWhole((run) => run.tasks.get(row.taskId));
  const colour = useColour(task);
  const chosen = useView().task === row.taskId;
  if (task === undefined) return null;
  return (
    <li
      data-slot="waterfall-row"
      data-task={row.taskId}
      className={cn("flex items-stretch hover:bg-muted/60", chosen && "bg-muted")}
    >
      <button
        type="button"
        aria-pressed={chosen}
        onClick={() => go({ task: chosen ? null : row.taskId }, "replace")}
        className="flex w-(--label) shrink-0 items-center gap-1.5 py-1 pr-2 text-left text-xs outline-offset-[-2px]"
        style={{ paddingLeft: 20 + Math.max(0, row.depth - 1) * 10 }}
      >
        <span aria-hidden className="size-2 shrink-0 rounded-full" style={{ background: colour }} />
        <span className="truncate" title={taskTitle(task)}>
          {taskTitle(task)}
        </span>
      </button>
      <div
        className="relative mr-5 min-w-0 flex-1 overflow-hidden"
        style={{ minHeight: row.lanes * LANE + 12 }}
      >
        {row.bars.map((bar) => (
          <BarView key={bar.id} bar={bar} row={row} origin={origin} colour={colour} />
        ))}
      </div>
    </li>
  );
}

const WORDS: Record<Bar["kind"], string> = {
  queued: "waited for its turn",
  waiting: "waited for the first token",
  writing: "wrote",
  tool: "ran",
  approval: "waited for your leave",
  question: "waited for your answer",
};

function look(
  { kind, state }: Bar,
  colour: string,
): { className: string; background?: string; border?: string } {
  if (state === "failed") return { className: "rounded-xs bg-destructive/75" };
  switch (kind) {
    case "queued":
      return { className: "my-[4px] !h-px bg-faint-foreground/70" };
    case "waiting":
      return { className: "rounded-l-xs", background: `color-mix(in oklch, ${colour} 28%, transparent)` };
    case "writing":
      return { className: "rounded-r-xs", background: colour };
    case "tool":
      return { className: "rounded-xs border-[1.5px]", border: colour };
    case "approval":
    case "question":
      return { className: "rounded-xs bg-caution/60" };
  }
}

interface BarProps extends RowProps {
  bar: Bar;
  colour: string;
}

function BarView({ bar, row, origin, colour }: BarProps) {
  const from = bar.from - origin;
  const to = bar.state === "open" ? "var(--now)" : bar.to - origin;
  const { className, background, border } = look(bar, colour);
  const again = bar.attempt > 1 ? `, attempt ${bar.attempt}` : "";
  const took = bar.state === "open" ? "still going" : duration(bar.to - bar.from);
  const outcome = bar.state === "failed" ? ", failed" : "";
  const label = `${bar.label}${again}: ${WORDS[bar.kind]}, ${took}${outcome}, from ${duration(from)} on`;
  const open = (): void => {
    const call = bar.messageId;
    go(call === null ? { task: row.taskId } : { task: row.taskId, tab: "context", call }, "replace");
  };
  return (
    <button
      type="button"
      tabIndex={-1}
      data-slot="bar"
      data-kind={bar.kind}
      data-state={bar.state}
      data-tip={label}
      aria-label={label}
      onClick={open}
      className={cn("absolute h-[9px] min-w-[2px] hover:brightness-90 dark:hover:brightness-115", className)}
      style={{
        left: `calc((${from} - var(--from)) / var(--size) * 100%)`,
        width: `calc((${to} - ${from}) / var(--size) * 100%)`,
        top: 6 + bar.lane * LANE + 1,
        background,
        borderColor: border,
      }}
    />
  );
}
