"use client";

import { ArrowLeft } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { AgentDot } from "@/components/agent-dot";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { goToVersions, PlaceLink } from "@/features/learning/versions/place-link";
import { RecordLink } from "@/features/learning/versions/record-link";
import { StageChip } from "@/features/learning/versions/stage-chip";
import { VersionActions } from "@/features/learning/versions/version-actions";
import { VersionDiff } from "@/features/learning/versions/version-diff";
import { VersionEvidence, VersionWatch } from "@/features/learning/versions/version-evidence";
import { VersionHistory } from "@/features/learning/versions/version-history";
import { useStore } from "@/hooks/use-store";
import { compact } from "@/lib/format";
import {
  madeByWords,
  noEvidenceWords,
  passedOverWords,
  reasonLines,
  STAGE_MEANS,
  titleOf,
  WHAT_NAMES,
} from "@/lib/version-words";
import { dossierOf } from "@/lib/versions";
import type { HistoryStep, VersionDossier } from "@/lib/versions-api";

const EVERY_MS = 4_000;

/** One version: what it would change, what speaks for and against it, and what can be done with it. */
export function VersionPage({ id }: { id: string }) {
  const dossier = dossierOf(id);
  const { value, error } = useStore(dossier.state);
  useEffect(() => dossier.follow(EVERY_MS), [dossier]);
  return (
    <div data-slot="version-page" data-version={id} className="space-y-7">
      <PlaceLink
        place={{ show: "list", role: "" }}
        data-slot="all-versions"
        className="inline-flex items-center gap-1.5 text-[13px] text-muted-foreground hover:text-foreground"
      >
        <ArrowLeft aria-hidden className="size-3.5" />
        All versions
      </PlaceLink>
      {error === null ? null : (
        <Problem facts={error}>
          {error.code === "unknown_version" ? (
            <Button size="sm" onClick={() => goToVersions({ show: "list", role: "" })}>
              Show all versions
            </Button>
          ) : (
            <Button size="sm" onClick={() => void dossier.load()}>
              Try again
            </Button>
          )}
        </Problem>
      )}
      {value === null || error?.code === "unknown_version" ? null : <Found version={value} />}
    </div>
  );
}

function Found({ version }: { version: VersionDossier }) {
  const { what, of, stage, reason, madeBy, stages, watch, history, tokens = 0 } = version;
  const passedOver = passedOverWords(version);
  return (
    <>
      <header className="space-y-2">
        <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
          <h2 data-slot="version-title" className="font-semibold text-[15px]">
            {titleOf(version)}
          </h2>
          <StageChip stage={stage} />
        </div>
        <p className="text-[13px] text-muted-foreground">
          {WHAT_NAMES[what]} of <AgentDot role={of} className="mx-0.5" />{" "}
          <span className="text-foreground">{of}</span> · made {madeByWords(madeBy)} · {STAGE_MEANS[stage]}
          {tokens > 0 ? (
            <>
              {" "}
              Its trial has used <span className="whitespace-nowrap">{compact(tokens)}</span> tokens.
            </>
          ) : null}
        </p>
        {passedOver === null ? null : (
          <p data-slot="passed-over" className="text-pretty text-[13px] text-caution">
            {passedOver}
          </p>
        )}
        {reasonLines(reason).map((line, at) => (
          <p key={at} data-slot="version-reason" className="text-pretty text-[13px]">
            {line}
          </p>
        ))}
      </header>
      <VersionActions version={version} />
      {watch === null ? null : <VersionWatch watch={watch} />}
      <Section title="Evidence">
        {stages.length === 0 ? (
          <p data-slot="no-evidence" className="text-[13px] text-muted-foreground">
            {noEvidenceWords(version)} {history.some(hasActed) ? <RecordLink version={version} /> : null}
          </p>
        ) : (
          <div className="space-y-8">
            {[...stages].reverse().map((each) => (
              <VersionEvidence key={each.stage} evidence={each} />
            ))}
          </div>
        )}
      </Section>
      <Section title="What it changes">
        <VersionDiff version={version} />
      </Section>
      <Section title="History">
        <VersionHistory history={history} />
      </Section>
    </>
  );
}

function hasActed({ stage }: HistoryStep): boolean {
  return stage === "promoted";
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="space-y-3">
      <h3 className="font-medium text-sm">{title}</h3>
      {children}
    </section>
  );
}
