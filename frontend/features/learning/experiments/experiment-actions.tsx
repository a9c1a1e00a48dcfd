"use client";

import { ConfirmButton } from "@/components/confirm-button";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { goToExperiments } from "@/features/learning/experiments/experiment-link";
import { useTask } from "@/hooks/use-task";
import { experiments, type OpenExperiment } from "@/lib/experiments";
import { type ExperimentStanding, experimentsApi } from "@/lib/experiments-api";

interface ExperimentActionsProps {
  standing: ExperimentStanding;
  open: OpenExperiment;
}

/** Begin, pause, go on, end for good, delete. */
export function ExperimentActions({ standing, open }: ExperimentActionsProps) {
  const { busy, problem, run, forget } = useTask();
  const { id, state, evaluators, spec } = standing;
  const act = (door: "start" | "pause" | "cancel"): void =>
    void run(async () => open.standing.set(await experimentsApi[door](id)));
  const remove = (): void =>
    void run(async (isWanted) => {
      await experimentsApi.remove(id);
      void experiments.load();
      if (isWanted()) goToExperiments({ show: "list" }, "replace");
    });
  const isOver = state === "done" || state === "failed" || state === "canceled";
  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        {state === "draft" || state === "paused" ? (
          <Button variant="primary" data-slot="experiment-go" disabled={busy} onClick={() => act("start")}>
            {state === "draft" ? "Start" : "Go on"}
          </Button>
        ) : null}
        {state === "running" ? (
          <Button data-slot="experiment-pause" disabled={busy} onClick={() => act("pause")}>
            Pause
          </Button>
        ) : null}
        {isOver ? null : (
          <ConfirmButton
            data-slot="experiment-cancel"
            disabled={busy}
            question="End it for good? What is done stays."
            confirm="End it"
            onConfirm={() => act("cancel")}
          >
            Cancel
          </ConfirmButton>
        )}
        {hasPeople(spec, evaluators) && state !== "draft" ? (
          <Button data-slot="experiment-judge" onClick={() => goToExperiments({ show: "judge", id })}>
            Compare answers
          </Button>
        ) : null}
        <ConfirmButton
          variant="ghost"
          data-slot="experiment-delete"
          disabled={busy}
          question="Delete it with all its runs?"
          confirm="Delete"
          onConfirm={remove}
        >
          Delete
        </ConfirmButton>
      </div>
      {problem === null ? null : (
        <Problem facts={problem}>
          <Button size="sm" onClick={forget}>
            Understood
          </Button>
        </Problem>
      )}
    </>
  );
}

/** Whether people are to compare answers, or may, to see how far a judge agrees with them. */
function hasPeople(spec: ExperimentStanding["spec"], labels: readonly string[]): boolean {
  const { evaluators } = spec;
  if (!Array.isArray(evaluators)) return labels.includes("human");
  return evaluators.some((one: { type?: string }) => one.type === "human" || one.type === "judge");
}
