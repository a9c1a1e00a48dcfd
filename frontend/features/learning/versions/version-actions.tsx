"use client";

import { useState } from "react";
import { ConfirmButton } from "@/components/confirm-button";
import { Problem } from "@/components/problem";
import { Button, type ButtonProps } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { WorkingDot } from "@/components/ui/working-dot";
import { goToVersions } from "@/features/learning/versions/place-link";
import { useTask } from "@/hooks/use-task";
import {
  ACT_NAMES,
  type Act,
  actsOf,
  consequence,
  isTried,
  STAGE_NAMES,
  shareWords,
  TRIAL_STAGES,
} from "@/lib/version-words";
import { dossierOf, versions } from "@/lib/versions";
import { type TrialStage, type VersionDossier, versionsApi } from "@/lib/versions-api";

const SHARES = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5];

/** What can be done with it, each with what comes of it beside; what takes something back needs one click, what is gone for good is asked first. */
export function VersionActions({ version }: { version: VersionDossier }) {
  const { id, stage, share = 0.2 } = version;
  const [from, setFrom] = useState<TrialStage>("replay");
  const { busy, problem, run } = useTask();
  const acts = actsOf(version);
  const act = (what: Act): void => {
    if (what === "edit") {
      goToVersions({ show: "edit", id });
      return;
    }
    void run(async () => {
      await DO[what](id, from);
      void versions.load();
      if (what === "delete") goToVersions({ show: "list", role: "" });
      else await dossierOf(id).load();
    });
  };
  const setShare = (value: number): Promise<void> =>
    run(async () => {
      await versionsApi.setShare(id, value);
      await dossierOf(id).load();
    });
  if (acts.length === 0)
    return (
      <p className="text-[13px] text-muted-foreground">
        Another version took its place. It acts again when that one is reverted.
      </p>
    );
  return (
    <section aria-label="What can be done" data-slot="version-actions" className="space-y-3">
      <ul className="divide-y border-y">
        {acts.map((each) => (
          <li
            key={each}
            className="grid items-baseline gap-x-4 gap-y-1.5 py-2.5 text-[13px] sm:grid-cols-[9.5rem_minmax(0,1fr)]"
          >
            <ActButton act={each} disabled={busy} onAct={() => act(each)} />
            <span id={`version-act-${each}`} className="text-pretty text-muted-foreground">
              {consequence(each, version, from)}
              {each === "start" ? (
                <span className="ml-2 inline-flex items-center gap-1.5 whitespace-nowrap">
                  From
                  <Select
                    data-slot="trial-from"
                    aria-label="Begin with"
                    value={from}
                    onChange={(event) => setFrom(event.target.value as TrialStage)}
                  >
                    {TRIAL_STAGES.map((name) => (
                      <option key={name} value={name}>
                        {STAGE_NAMES[name].toLowerCase()}
                      </option>
                    ))}
                  </Select>
                </span>
              ) : null}
            </span>
          </li>
        ))}
      </ul>
      {isTried(stage) || stage === "draft" ? (
        <span className="flex flex-wrap items-center gap-x-2 text-[13px]">
          <span className="text-muted-foreground">In its canary it does</span>
          <Select
            data-slot="canary-share"
            aria-label="Share of the tasks in its canary"
            value={share}
            disabled={busy}
            onChange={(event) => void setShare(Number(event.target.value))}
          >
            {[...new Set([...SHARES, share])]
              .sort((one, other) => one - other)
              .map((value) => (
                <option key={value} value={value}>
                  {shareWords(value)}
                </option>
              ))}
          </Select>
          <span className="text-muted-foreground">
            of the tasks; a larger share decides sooner and risks more.
          </span>
        </span>
      ) : null}
      {busy ? <WorkingDot /> : null}
      {problem === null ? null : (
        <Problem facts={problem} data-slot="version-problem">
          <Button size="sm" onClick={() => void dossierOf(id).load()}>
            Look again
          </Button>
        </Problem>
      )}
    </section>
  );
}

function ActButton({ act, disabled, onAct }: { act: Act; disabled: boolean; onAct: () => void }) {
  const props: ButtonProps & { "data-slot": string } = {
    size: "sm",
    "data-slot": `version-${act}`,
    "aria-describedby": `version-act-${act}`,
    disabled,
    className: "justify-self-start max-sm:h-9",
    children: ACT_NAMES[act],
  };
  if (act === "delete")
    return (
      <ConfirmButton
        {...props}
        variant="danger"
        question="Delete it for good?"
        confirm="Delete"
        onConfirm={onAct}
      />
    );
  return <Button {...props} variant={act === "start" ? "primary" : "outline"} onClick={onAct} />;
}

const DO: Readonly<Record<Exclude<Act, "edit">, (id: string, from: TrialStage) => Promise<unknown>>> = {
  start: versionsApi.start,
  stop: versionsApi.stop,
  promote: versionsApi.promote,
  revert: (id) => versionsApi.revert(id, "before"),
  toFile: (id) => versionsApi.revert(id, "file"),
  delete: versionsApi.remove,
  keep: versionsApi.keep,
};
