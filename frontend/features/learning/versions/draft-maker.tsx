"use client";

import { useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { WorkingDot } from "@/components/ui/working-dot";
import { goToVersions } from "@/features/learning/versions/place-link";
import { useTask } from "@/hooks/use-task";
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
  const [way, setWay] = useState<"reflect" | "distil" | null>(null);
  const of = role || (roles.includes(USUAL_ROLE) ? USUAL_ROLE : (roles[0] ?? USUAL_ROLE));
  const draft = (by: "reflect" | "distil"): void => {
    setWay(by);
    void run(async (isWanted) => {
      const made = await versionsApi[by](of);
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
              forget();
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
          {(["reflect", "distil"] as const).map((by) => (
            <Button
              key={by}
              size="sm"
              data-slot={by}
              className="max-sm:h-9"
              disabled={busy}
              title={
                by === "reflect"
                  ? `A model rewrites the prompt of ${of} by what went wrong with it.`
                  : `What was said of ${of}'s answers becomes notes for it.`
              }
              onClick={() => draft(by)}
            >
              {busy && way === by ? <WorkingDot /> : null}
              {by === "reflect" ? "Reflect" : "Distil"}
            </Button>
          ))}
        </span>
      </div>
      {busy ? (
        <p role="status" className="text-muted-foreground text-xs">
          {way === "reflect"
            ? `A model reads what went wrong with ${of} and rewrites its prompt. This can take some minutes.`
            : `What was said of ${of}’s answers is made into notes.`}
        </p>
      ) : null}
      {problem === null ? null : (
        <Problem facts={problem} data-slot="draft-problem">
          {problem.code === "nothing_to_learn" ? (
            <Button
              size="sm"
              onClick={() =>
                goToVersions({ show: "new", what: way === "distil" ? "notes" : "prompt", role: of })
              }
            >
              Write it by hand
            </Button>
          ) : (
            <Button size="sm" onClick={() => draft(way ?? "distil")}>
              Try again
            </Button>
          )}
        </Problem>
      )}
    </div>
  );
}
