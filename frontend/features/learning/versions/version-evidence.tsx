"use client";

import type { ReactNode } from "react";
import { IntervalPlot } from "@/features/learning/versions/interval-plot";
import { TriedTasks } from "@/features/learning/versions/tried-tasks";
import { sentence } from "@/lib/belief-words";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import {
  differenceWords,
  guardName,
  guardWords,
  STAGE_MEANS,
  STAGE_NAMES,
  verdictWords,
  waitingWords,
  watchWords,
} from "@/lib/version-words";
import type { Evidence, Guard, Watch } from "@/lib/versions-api";

/** What a stage of the trial has shown, why it says so, and every task behind it. */
export function VersionEvidence({ evidence }: { evidence: Evidence }) {
  const { stage, verdict, why, course, guards, tried, candidate, base, errorsCandidate, errorsBase } =
    evidence;
  const waiting = waitingWords(evidence);
  return (
    <section
      data-slot="version-evidence"
      data-stage={stage}
      aria-label={STAGE_NAMES[stage]}
      className="space-y-3"
    >
      <div className="flex flex-wrap items-baseline gap-x-3 text-[13px]">
        <h4 className="font-medium" title={STAGE_MEANS[stage]}>
          {STAGE_NAMES[stage]}
        </h4>
        <span
          data-slot="verdict"
          data-verdict={verdict}
          className={cn(
            "text-muted-foreground",
            verdict === "better" && "text-good",
            verdict === "worse" && "text-destructive",
          )}
        >
          {verdictWords(evidence)}
        </span>
        <span className="text-muted-foreground text-xs sm:ml-auto">{STAGE_MEANS[stage]}</span>
      </div>
      <p data-slot="difference" className="text-[13px] tabular-nums">
        {differenceWords(evidence)}
      </p>
      <IntervalPlot course={course} />
      <dl className="grid grid-cols-2 gap-x-6 gap-y-2 text-[13px] tabular-nums sm:grid-cols-4">
        <Figure name="Its tasks">
          {candidate}
          {errorsCandidate > 0 ? `, ${errorsCandidate} failed` : ""}
        </Figure>
        <Figure name="Tasks of what acts now">
          {base}
          {errorsBase > 0 ? `, ${errorsBase} failed` : ""}
        </Figure>
        <Figure name="Odds that it is better">{odds(evidence.better)}</Figure>
        <Figure name="Odds that it is worse">{odds(evidence.worse)}</Figure>
      </dl>
      {guards.length === 0 ? null : (
        <ul data-slot="guards" className="space-y-1 text-[13px]">
          {guards.map((guard) => (
            <GuardLine key={guard.name} guard={guard} />
          ))}
        </ul>
      )}
      <details data-slot="why-verdict" className="text-[13px]">
        <summary className="cursor-pointer text-muted-foreground hover:text-foreground">
          Why this number: {plural(tried.length, "task")}
          {waiting === null ? "" : `, ${waiting}`}
        </summary>
        <div className="space-y-2 pt-2">
          <p className="text-pretty text-muted-foreground">
            {why === "" ? "" : `${sentence(why)}. `}
            Each task bets on either side, and a side that has won enough decides. The bets stay fair however
            often one looks, so the interval may be watched as it narrows.
          </p>
          <TriedTasks tried={tried} />
        </div>
      </details>
    </section>
  );
}

function odds(value: number): string {
  return value >= 1000 ? "over 1000 : 1" : `${value < 10 ? value.toFixed(1) : value.toFixed(0)} : 1`;
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt className="text-muted-foreground text-xs">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function GuardLine({ guard }: { guard: Guard }) {
  return (
    <li data-slot="guard" data-broken={guard.broken} className="flex flex-wrap gap-x-3">
      <span className="w-14">{guardName(guard.name)}</span>
      <span className={cn("tabular-nums", guard.broken ? "text-destructive" : "text-muted-foreground")}>
        {guardWords(guard)}
        {guard.broken ? ": broken, so it is taken back" : ""}
      </span>
    </li>
  );
}

/** Whether it is still as good as what it replaced. */
export function VersionWatch({ watch }: { watch: Watch }) {
  return (
    <section data-slot="version-watch" aria-label="Watch" className="space-y-2">
      <h3 className="font-medium text-sm">Since it was promoted</h3>
      <p
        className={cn(
          "text-[13px] tabular-nums",
          watch.drifted ? "text-destructive" : "text-muted-foreground",
        )}
      >
        {watchWords(watch)}
      </p>
      {watch.tried.length === 0 ? null : (
        <details className="text-[13px]">
          <summary className="cursor-pointer text-muted-foreground hover:text-foreground">
            Why this number: {plural(watch.tried.length, "task")}
          </summary>
          <div className="pt-2">
            <TriedTasks tried={watch.tried} />
          </div>
        </details>
      )}
    </section>
  );
}
