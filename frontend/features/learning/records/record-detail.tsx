"use client";

import { useEffect } from "react";
import { Button } from "@/components/ui/button";
import { LearningCurve } from "@/features/learning/records/learning-curve";
import { WhyRuns } from "@/features/learning/records/why-runs";
import { useStore } from "@/hooks/use-store";
import { costWords, evidenceWords, nameOf, tasksWords, timeWords, whatOf } from "@/lib/belief-words";
import { compact } from "@/lib/format";
import { openMemory } from "@/lib/location";
import { FIRST_RUNS, why } from "@/lib/records";
import type { LearningRecord } from "@/lib/records-api";

interface RecordDetailProps {
  /** Null: nothing is known of its tasks as a whole. */
  record: LearningRecord | null;
  item: string;
  context: string;
  text: string | undefined;
}

const EVERY_MS = 6_000;

/** How it got there, what its tasks took, and every run that speaks. */
export function RecordDetail({ record, item, context, text }: RecordDetailProps) {
  const { value } = useStore(why.state);
  useEffect(() => {
    why.about({ item, context, limit: FIRST_RUNS });
    return why.follow(EVERY_MS);
  }, [item, context]);
  const told = value?.query.item === item && value.query.context === context ? value.reply : null;
  return (
    <div data-slot="record-detail" className="space-y-5 border-l pt-2 pb-5 pl-4 max-sm:pl-3 sm:ml-[7px]">
      {text === undefined || whatOf(item) === "prompt" ? null : (
        <p className="whitespace-pre-wrap break-words border-l-2 pl-3 text-[13px] text-muted-foreground">
          {text}
        </p>
      )}
      {whatOf(item) === "memory" ? (
        <Button variant="link" size="inline" className="text-xs" onClick={() => openMemory(nameOf(item))}>
          Open the memory
        </Button>
      ) : null}
      {record === null ? null : (
        <>
          <LearningCurve curve={record.curve} prior={told?.priorMean ?? null} />
          <Facts record={record} />
        </>
      )}
      <WhyRuns told={told} item={item} context={context} />
    </div>
  );
}

function Facts({ record }: { record: LearningRecord }) {
  const facts = [
    ["Tasks", tasksWords(record)],
    ["Evidence", `${record.weight.toFixed(1)}, ${evidenceWords(record.weight)}`],
    ["Time of one", timeWords(record.ms)],
    ["Tokens of one", compact(record.tokens)],
    ["Cost of one", costWords(record.cost)],
  ] as const;
  return (
    <dl data-slot="record-facts" className="flex flex-wrap gap-x-8 gap-y-2 text-[13px] tabular-nums">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt className="text-muted-foreground text-xs">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
