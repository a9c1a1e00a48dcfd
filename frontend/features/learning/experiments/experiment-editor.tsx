"use client";

import { useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { WorkingDot } from "@/components/ui/working-dot";
import { DesignFields } from "@/features/learning/experiments/design-fields";
import { Estimate } from "@/features/learning/experiments/estimate";
import { ExperimentLink, goToExperiments } from "@/features/learning/experiments/experiment-link";
import { Labelled } from "@/features/learning/experiments/labelled";
import { RowsField } from "@/features/learning/experiments/rows-field";
import { TextArea } from "@/features/learning/experiments/text-area";
import { WrongLines } from "@/features/learning/experiments/wrong-lines";
import { useStore } from "@/hooks/use-store";
import { useTask } from "@/hooks/use-task";
import { cn } from "@/lib/cn";
import { bodyOf, EMPTY, type ExperimentDraft, withRows, wrongIn, wrongOf } from "@/lib/experiment-draft";
import { draft as kept } from "@/lib/experiments";
import { type ExperimentCheck, experimentsApi } from "@/lib/experiments-api";

/** A new experiment: filled in, or as its file says it; looked over first, then begun. */
export function ExperimentEditor() {
  const draft = useStore(kept);
  const { busy, problem, run, forget } = useTask();
  const [check, setCheck] = useState<ExperimentCheck | null>(null);
  const wrong =
    problem !== null ? withRows(wrongIn(problem), draft.data) : check !== null ? wrongOf(check) : [];
  const isFine = check !== null && check.problems.length === 0;
  const change = (change: Partial<ExperimentDraft>): void => {
    kept.update((before) => ({ ...before, ...change }));
    setCheck(null);
    if (problem !== null && change.way !== undefined) forget();
  };
  const look = (): void => {
    setCheck(null);
    void run(async (isWanted) => {
      const body = bodyOf(draft);
      const found = await experimentsApi.check(body);
      // What was changed meanwhile has not been looked at.
      if (isWanted() && kept.get() === draft) setCheck(found);
    });
  };
  const begin = (): void =>
    void run(async () => {
      const made = await experimentsApi.create(bodyOf(draft));
      kept.set(EMPTY);
      goToExperiments({ show: "one", id: made.id }, "replace");
      await experimentsApi.start(made.id);
    });
  return (
    <form
      data-slot="experiment-editor"
      className="space-y-7"
      onSubmit={(event) => {
        event.preventDefault();
        if (isFine) begin();
        else look();
      }}
    >
      <header className="space-y-2">
        <ExperimentLink
          place={{ show: "list" }}
          data-slot="all-experiments"
          className="text-muted-foreground text-xs hover:text-foreground"
        >
          ← All experiments
        </ExperimentLink>
        <h2 className="font-medium text-sm">New experiment</h2>
        <Ways way={draft.way} onChange={(way) => change({ way })} />
      </header>
      {draft.way === "form" ? (
        <DesignFields draft={draft} wrong={wrong} onChange={change} />
      ) : (
        <Labelled
          label="The file, in YAML, TOML or JSON"
          help="As the command alma experiment new writes it."
          wrong={null}
        >
          <TextArea
            data-slot="experiment-text"
            className="max-h-[28rem] min-h-56 whitespace-pre font-mono text-xs"
            placeholder={
              "name: Short or long\nvariants:\n  - name: as usual\n  - name: brief\n    prompt: Answer in one word.\nevaluators:\n  - type: regex"
            }
            value={draft.text}
            onChange={({ target }) => change({ text: target.value })}
          />
        </Labelled>
      )}
      <RowsField data={draft.data} wrong={wrong} onChange={(data) => change({ data })} />
      <div className="space-y-3">
        {wrong.length > 0 ? <WrongLines wrong={wrong} /> : null}
        {problem !== null && wrong.length === 0 ? (
          <Problem facts={problem}>
            <Button size="sm" onClick={look}>
              Check again
            </Button>
          </Problem>
        ) : null}
        {isFine ? <Estimate check={check} {...limitsOf(draft)} /> : null}
        <div className="flex flex-wrap items-center gap-2">
          <Button
            type="submit"
            variant="primary"
            data-slot={isFine ? "experiment-start" : "experiment-check"}
            className="max-sm:h-10"
            disabled={busy}
          >
            {busy ? <WorkingDot /> : null}
            {isFine ? "Start" : "Check and estimate"}
          </Button>
          {draft === EMPTY ? null : (
            <Button
              variant="quiet"
              data-slot="experiment-clear"
              onClick={() => {
                forget();
                change(EMPTY);
              }}
            >
              Begin anew
            </Button>
          )}
        </div>
      </div>
    </form>
  );
}

/** For the estimate: of a file they are not known here, so as usual. */
function limitsOf({ way, seconds, parallel }: ExperimentDraft): { seconds: number; parallel: number } {
  return way === "form"
    ? { seconds: Number(seconds), parallel: Number(parallel) }
    : { seconds: Number(EMPTY.seconds), parallel: Number(EMPTY.parallel) };
}

const WAYS = { form: "Fill in", file: "Paste a file" } as const;

function Ways({
  way,
  onChange,
}: {
  way: ExperimentDraft["way"];
  onChange: (way: ExperimentDraft["way"]) => void;
}) {
  return (
    <div role="group" aria-label="How to say it" className="flex gap-0.5">
      {(["form", "file"] as const).map((each) => (
        <Button
          key={each}
          size="sm"
          variant="ghost"
          data-slot={`way-${each}`}
          aria-pressed={way === each}
          className={cn("font-normal max-sm:h-9", way === each && "bg-accent text-foreground")}
          onClick={() => onChange(each)}
        >
          {WAYS[each]}
        </Button>
      ))}
    </div>
  );
}
