"use client";

import { ChevronRight } from "lucide-react";
import { useEffect } from "react";
import { CopyButton } from "@/components/copy-button";
import { Problem } from "@/components/problem";
import { RouteReasons } from "@/components/route-reasons";
import { Button } from "@/components/ui/button";
import { LearnedPart } from "@/features/inspector/learned-part";
import { ModelCall } from "@/features/inspector/model-call";
import { Part } from "@/features/inspector/part";
import { Timeline } from "@/features/inspector/timeline";
import { useLens, useWhole } from "@/features/inspector/use-lens";
import { useStore } from "@/hooks/use-store";
import { plural } from "@/lib/format";
import { type RunRecordState, runRecords } from "@/lib/run-record";

/** The entries of the run as stored, brought up to where it is. */
export function useRecord(): RunRecordState & { again: () => void } {
  const { runId } = useLens();
  const seq = useWhole((run) => run.seq) ?? 0;
  const record = useStore(runRecords.of(runId));
  useEffect(() => void runRecords.load(runId, seq), [runId, seq]);
  return { ...record, again: () => void runRecords.load(runId, seq) };
}

export function RecordProblem({ error, again }: Pick<ReturnType<typeof useRecord>, "error" | "again">) {
  if (error === null) return null;
  return (
    <Part>
      <Problem facts={error}>
        <Button size="sm" onClick={again}>
          Try again
        </Button>
      </Problem>
    </Part>
  );
}

/** Why this answer: how it was treated, what the model was given, what happened. */
export function WhyTab() {
  const { entries, error, again } = useRecord();
  const text = useWhole((run) => run.text);
  const route = useWhole((run) => run.route);
  const start = useWhole((run) => run.message?.start);
  const trims = useWhole((run) => run.message?.trims);
  return (
    <>
      <p className="line-clamp-2 border-b px-5 py-3 text-[13px] text-muted-foreground">{text ?? ""}</p>
      <RecordProblem error={error} again={again} />
      {route ? (
        <Part title="How it was treated">
          <RouteReasons route={route} />
        </Part>
      ) : null}
      <LearnedPart />
      {start ? (
        <Part title="What the model was given">
          <ModelCall message={{ start, trims: trims ?? [] }} />
        </Part>
      ) : null}
      <Part title="What happened">
        <Timeline entries={entries} />
      </Part>
      <Part>
        <div className="relative">
          <details data-slot="raw-journal" className="group/raw">
            <summary className="flex w-fit list-none items-center gap-1.5 pr-10 text-[13px] text-muted-foreground leading-7 hover:text-foreground [&::-webkit-details-marker]:hidden">
              <ChevronRight aria-hidden className="size-3.5 transition-transform group-open/raw:rotate-90" />
              The raw journal
              <span className="font-normal text-faint-foreground text-xs">
                {plural(entries.length, "entry", "entries")}
              </span>
            </summary>
            <pre
              tabIndex={0}
              className="mt-2 max-h-96 overflow-auto rounded-lg bg-muted/60 p-3 font-mono text-xs leading-4"
            >
              {JSON.stringify(entries, null, 2)}
            </pre>
          </details>
          <CopyButton
            text={() => JSON.stringify(entries, null, 2)}
            label="Copy the journal"
            className="absolute top-0 right-0"
          />
        </div>
      </Part>
    </>
  );
}
