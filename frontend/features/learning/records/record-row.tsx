"use client";

import { ChevronRight } from "lucide-react";
import { AgentDot } from "@/components/agent-dot";
import { BeliefBar } from "@/features/learning/belief-bar";
import { RecordDetail } from "@/features/learning/records/record-detail";
import { RecordSpark } from "@/features/learning/records/record-spark";
import { costWords, evidenceWords, itemWords, nameOf, score, timeWords, whatOf } from "@/lib/belief-words";
import { cn } from "@/lib/cn";
import { count } from "@/lib/format";
import type { LearningRecord } from "@/lib/records-api";

/** Columns of a row, and of the line of words above the rows. */
export const COLUMNS =
  "grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 sm:grid-cols-[minmax(0,1fr)_190px_92px_52px_64px_56px]";

interface RecordRowProps {
  record: LearningRecord;
  text: string | undefined;
  isOpen: boolean;
  onToggle: () => void;
}

/** What is believed of one thing; opened, why. */
export function RecordRow({ record, text, isOpen, onToggle }: RecordRowProps) {
  const { item, mean, low, high, weight, tasks, ms, cost, curve } = record;
  const what = whatOf(item);
  const words = itemWords(item, text);
  const named = what === "prompt" && text !== undefined;
  return (
    <li data-slot="record" data-item={item}>
      <button
        type="button"
        aria-expanded={isOpen}
        data-slot="open-record"
        onClick={onToggle}
        className={cn(
          COLUMNS,
          "-mx-2 w-[calc(100%+16px)] rounded-md px-2 py-2.5 text-left text-[13px] transition-colors duration-100 hover:bg-accent/60",
        )}
      >
        <span className="flex min-w-0 items-center gap-2">
          <ChevronRight
            aria-hidden
            className={cn(
              "size-3.5 shrink-0 text-faint-foreground transition-transform",
              isOpen && "rotate-90",
            )}
          />
          {what === "role" ? <AgentDot role={nameOf(item)} /> : null}
          <span
            className={cn(
              "truncate",
              what === "model" || (what === "prompt" && !named) ? "font-mono text-xs" : "font-medium",
            )}
            title={words}
          >
            {words}
          </span>
          {named ? (
            <span className="shrink-0 font-mono text-faint-foreground text-xs">{nameOf(item)}</span>
          ) : null}
        </span>
        <span className="flex items-center gap-3 max-sm:contents">
          <span className="w-8 shrink-0 text-right font-medium tabular-nums">{score(mean)}</span>
          <span className="min-w-0 flex-1 max-sm:order-1 max-sm:col-span-2">
            <BeliefBar mean={mean} low={low} high={high} />
          </span>
          <span className="sr-only">Evidence: {evidenceWords(weight)}</span>
        </span>
        <span className="max-sm:hidden">
          <RecordSpark curve={curve} />
        </span>
        <span className="text-right tabular-nums max-sm:hidden">
          <span className="sr-only">Tasks: </span>
          {count(tasks)}
        </span>
        <span className="text-right text-muted-foreground tabular-nums max-sm:hidden">
          <span className="sr-only">Time: </span>
          {timeWords(ms)}
        </span>
        <span className="text-right text-muted-foreground tabular-nums max-sm:hidden">
          <span className="sr-only">Cost: </span>
          {costWords(cost)}
        </span>
      </button>
      {isOpen ? <RecordDetail record={record} item={item} context={record.context} text={text} /> : null}
    </li>
  );
}
