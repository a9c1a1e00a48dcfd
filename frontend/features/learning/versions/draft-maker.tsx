"use client";

import { useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { DraftForm } from "@/features/learning/versions/draft-form";
import { goToVersions } from "@/features/learning/versions/place-link";
import { useTask } from "@/hooks/use-task";
import { cn } from "@/lib/cn";
import {
  type DraftBy,
  type DraftChoice,
  distilBody,
  draftingWords,
  reflectBody,
  USUAL_CHOICE,
} from "@/lib/draft-choice";
import { plural } from "@/lib/format";
import { session } from "@/lib/session";
import { WHAT_NAMES } from "@/lib/version-words";
import { versions } from "@/lib/versions";
import { versionsApi, type What } from "@/lib/versions-api";

const WHATS: readonly What[] = ["prompt", "notes", "policy"];
const USUAL_ROLE = "manager";

/** Whose, and then by hand or out of what was said. */
export function DraftMaker({ role, roles }: { role: string; roles: readonly string[] }) {
  const { busy, problem, run, forget } = useTask();
  const [by, setBy] = useState<DraftBy | null>(null);
  const [asked, setAsked] = useState<DraftChoice>(USUAL_CHOICE);
  const of = role || (roles.includes(USUAL_ROLE) ? USUAL_ROLE : (roles[0] ?? USUAL_ROLE));
  const look = (next: DraftBy | null): void => {
    forget();
    setBy(next);
  };
  const draft = (way: DraftBy, choice: DraftChoice): void => {
    setAsked(choice);
    void run(async (isWanted) => {
      const made =
        way === "reflect"
          ? await versionsApi.reflect(reflectBody(of, choice))
          : await versionsApi.distil(distilBody(of, choice));
      void versions.load();
      session.notices.show(
        made.calls > 0
          ? `Drafted with ${plural(made.calls, "call")} of a model.`
          : "Drafted by rule, without a model.",
      );
      if (isWanted()) goToVersions({ show: "version", id: made.id });
    });
  };
  return (
    <div data-slot="draft-maker" className="space-y-3 border-y py-3 text-[13px]">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <span className="flex items-center gap-2">
          <span className="text-muted-foreground">Role</span>
          <Select
            data-slot="version-role"
            aria-label="Role"
            value={role}
            onChange={(event) => {
              look(null);
              goToVersions({ show: "list", role: event.target.value });
            }}
          >
            <option value="">All</option>
            {roles.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </Select>
        </span>
        <span className="flex flex-wrap items-center gap-1.5">
          <span className="text-muted-foreground">Write for {of}</span>
          {WHATS.map((what) => (
            <Button
              key={what}
              size="sm"
              data-slot={`new-${what}`}
              className="max-sm:h-9"
              onClick={() => goToVersions({ show: "new", what, role: of })}
            >
              {WHAT_NAMES[what]}
            </Button>
          ))}
        </span>
        <span className="flex flex-wrap items-center gap-1.5">
          <span className="text-muted-foreground">Draft</span>
          {(["reflect", "distil"] as const).map((way) => (
            <Button
              key={way}
              size="sm"
              data-slot={way}
              className={cn("max-sm:h-9", by === way && "bg-accent")}
              disabled={busy}
              aria-expanded={by === way}
              title={
                way === "reflect"
                  ? `The prompt of ${of} is rewritten by what went wrong with it.`
                  : `What was said of ${of}’s answers becomes notes for it.`
              }
              onClick={() => look(by === way ? null : way)}
            >
              {way === "reflect" ? "Reflect" : "Distil"}
            </Button>
          ))}
        </span>
      </div>
      {by === null ? null : (
        <DraftForm
          key={`${by} ${of}`}
          by={by}
          role={of}
          busy={busy}
          onDraft={(choice) => draft(by, choice)}
          onCancel={() => look(null)}
        />
      )}
      {busy && by !== null ? (
        <p role="status" className="text-muted-foreground text-xs">
          {draftingWords(by, of, asked.how)}
        </p>
      ) : null}
      {problem === null ? null : (
        <Problem facts={problem} data-slot="draft-problem">
          {problem.code === "nothing_to_learn" ? (
            <Button
              size="sm"
              onClick={() =>
                goToVersions({ show: "new", what: by === "distil" ? "notes" : "prompt", role: of })
              }
            >
              Write it by hand
            </Button>
          ) : (
            <Button size="sm" onClick={() => draft(by ?? "distil", asked)}>
              Try again
            </Button>
          )}
        </Problem>
      )}
    </div>
  );
}
