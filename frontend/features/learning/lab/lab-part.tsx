"use client";

import { useEffect } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { LabForm } from "@/features/learning/lab/lab-form";
import { LabResult } from "@/features/learning/lab/lab-result";
import { OwnBandit } from "@/features/learning/lab/own-bandit";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { lab } from "@/lib/lab";
import type { Lab } from "@/lib/lab-api";
import { fittingSeeds, formatChoice, type LabChoice, parseChoice } from "@/lib/lab-figures";
import { go } from "@/lib/location";
import type { ErrorFacts } from "@/lib/protocol";

/** Ways to learn, side by side in worlds where it is known what would have been best. */
export function LabPart() {
  const { value, error } = useStore(lab.known.state);
  const { item } = useView();
  useEffect(() => {
    if (lab.known.state.get().value === null) void lab.known.load();
  }, []);
  if (value === null)
    return error === null ? null : (
      <Problem facts={error}>
        <Button size="sm" onClick={() => void lab.known.load()}>
          Try again
        </Button>
      </Problem>
    );
  const choice = parseChoice(item, value);
  return (
    <>
      <section aria-labelledby="lab-form" className="space-y-5">
        <div className="space-y-1">
          <h2 id="lab-form" className="font-medium text-sm">
            The learning lab
          </h2>
          <p className="text-[13px] text-muted-foreground">
            Whether a way to learn is any good can be seen where it is known what would have been best: in
            simulated worlds. All policies meet the same tasks and the same luck. Nothing of it touches your
            conversations.
          </p>
        </div>
        <LabForm lab={value} choice={choice} />
      </section>
      <Outcome lab={value} choice={choice} />
      <OwnBandit world={choice.world} />
    </>
  );
}

function Outcome({ lab: known, choice }: { lab: Lab; choice: LabChoice }) {
  const { run, playing, error } = useStore(lab.played);
  return (
    <>
      {error === null ? null : (
        <Problem facts={error}>
          <WayOut error={error} known={known} choice={choice} />
        </Problem>
      )}
      {run === null ? (
        error === null ? (
          <p data-slot="lab-empty" className="text-muted-foreground text-sm">
            {playing
              ? "Playing. The curves come in some seconds."
              : "Choose a world and policies, and run them."}
          </p>
        ) : null
      ) : (
        <LabResult run={run} lab={known} isOld={playing} />
      )}
    </>
  );
}

/** Fewer seeds, where it was too much; else once more. */
function WayOut({ error, known, choice }: { error: ErrorFacts; known: Lab; choice: LabChoice }) {
  const seeds = fittingSeeds(choice, known);
  if (error.code === "lab_too_large" && seeds < choice.seeds) {
    const fewer = { ...choice, seeds };
    return (
      <Button
        size="sm"
        data-slot="lab-fewer"
        onClick={() => {
          go({ item: formatChoice(fewer) }, "replace");
          void lab.run(fewer);
        }}
      >
        Run {seeds} {seeds === 1 ? "seed" : "seeds"}
      </Button>
    );
  }
  return (
    <Button size="sm" data-slot="lab-again" onClick={() => void lab.run(choice)}>
      Try again
    </Button>
  );
}
