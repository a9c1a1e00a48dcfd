"use client";

import { useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { useTask } from "@/hooks/use-task";
import { type ExperimentStanding, experimentsApi } from "@/lib/experiments-api";
import { plural } from "@/lib/format";
import { addressOf, go, HOME } from "@/lib/location";
import { formatVersionPlace } from "@/lib/version-place";

/** What the winner, or another, says otherwise, made into drafts of versions. */
export function PromoteForm({ standing, winner }: { standing: ExperimentStanding; winner: string }) {
  const { busy, problem, run, forget } = useTask();
  const [chosen, setChosen] = useState("");
  const [made, setMade] = useState<readonly string[]>([]);
  const variant = chosen || winner || standing.variants.find((name) => name !== standing.baseline) || "";
  if (variant === "") return null;
  const promote = (): void =>
    void run(async () => setMade((await experimentsApi.promote(standing.id, variant)).versions));
  return (
    <div data-slot="promote" className="space-y-3 text-[13px]">
      <div className="flex flex-wrap items-center gap-2">
        <span className="text-muted-foreground">What</span>
        <Select
          aria-label="Variant to make a draft of"
          data-slot="promote-variant"
          className="text-[13px] max-sm:h-9"
          value={variant}
          onChange={({ target }) => {
            setChosen(target.value);
            setMade([]);
            forget();
          }}
        >
          {standing.variants.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Select>
        <span className="text-muted-foreground">says otherwise</span>
        <Button
          size="sm"
          variant={winner === "" ? "quiet" : "outline"}
          data-slot="promote-go"
          disabled={busy}
          onClick={promote}
        >
          Make a draft of it
        </Button>
      </div>
      {winner === "" ? (
        <p className="text-pretty text-muted-foreground text-xs">
          No variant is surely better than the baseline: a draft would be made of what may be no better.
        </p>
      ) : null}
      {made.length === 0 ? null : (
        <p role="status" data-slot="promoted">
          {plural(made.length, "draft")} made, in Versions; {made.length === 1 ? "it acts" : "they act"} only
          when promoted there:{" "}
          {made.map((id, at) => {
            const view = { part: "versions", item: formatVersionPlace({ show: "version", id }) };
            return (
              <a
                key={id}
                href={addressOf({ ...HOME, page: "learning", ...view })}
                onClick={(event) => {
                  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
                  event.preventDefault();
                  go(view);
                }}
                className="mr-2 text-primary underline underline-offset-3"
              >
                {made.length === 1 ? "look at it" : `look at ${at + 1}`}
              </a>
            );
          })}
        </p>
      )}
      {problem === null ? null : (
        <Problem facts={problem}>
          <Button size="sm" onClick={forget}>
            Understood
          </Button>
        </Problem>
      )}
    </div>
  );
}
