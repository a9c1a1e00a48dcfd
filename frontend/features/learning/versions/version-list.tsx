"use client";

import { useEffect } from "react";
import { AgentDot } from "@/components/agent-dot";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { DraftMaker } from "@/features/learning/versions/draft-maker";
import { PlaceLink } from "@/features/learning/versions/place-link";
import { StageChip } from "@/features/learning/versions/stage-chip";
import { useNow } from "@/hooks/use-now";
import { useStore } from "@/hooks/use-store";
import { ago, exactTime } from "@/lib/memory-words";
import { session } from "@/lib/session";
import { madeByWords, reasonLines, titleOf, WHAT_NAMES } from "@/lib/version-words";
import { versions } from "@/lib/versions";
import type { Version } from "@/lib/versions-api";

const EVERY_MS = 5_000;

/** All versions, by role and what they change; above them the ways to make one. */
export function VersionList({ role }: { role: string }) {
  const { value, error } = useStore(versions.state);
  const roles = useStore(session.roles.state).map(({ name }) => name);
  useEffect(() => {
    void session.roles.load();
    return versions.follow(EVERY_MS);
  }, []);
  const shown = value?.filter(({ of }) => role === "" || of === role) ?? [];
  const named = [...new Set([...roles, ...shown.map(({ of }) => of)])];
  return (
    <>
      <section aria-labelledby="versions-title" className="space-y-4">
        <div className="space-y-1">
          <h2 id="versions-title" className="font-medium text-sm">
            Versions
          </h2>
          <p className="text-[13px] text-muted-foreground">
            What learning may change of a role: its prompt, notes that it is told, and how its tasks are
            routed. Nothing acts before it was tried or you promote it, and one click takes it back.
          </p>
        </div>
        <DraftMaker role={role} roles={named} />
      </section>
      {error === null ? null : (
        <Problem facts={error}>
          <Button size="sm" onClick={() => void versions.load()}>
            Try again
          </Button>
        </Problem>
      )}
      {value === null ? null : shown.length === 0 ? (
        <p data-slot="no-versions" className="text-muted-foreground text-sm">
          There are no versions {role === "" ? "" : `of ${role} `}yet: all is as the files say. Write one by
          hand, or let Alma draft one out of what you said of answers.
        </p>
      ) : (
        named
          .filter((name) => shown.some(({ of }) => of === name))
          .map((name) => (
            <RoleVersions key={name} role={name} found={shown.filter(({ of }) => of === name)} />
          ))
      )}
    </>
  );
}

function RoleVersions({ role, found }: { role: string; found: readonly Version[] }) {
  return (
    <section data-slot="role-versions" data-role={role} aria-label={role} className="space-y-2">
      <h3 className="flex items-center gap-2 font-medium text-[13px]">
        <AgentDot role={role} />
        {role}
      </h3>
      <ul className="divide-y border-y">
        {found.map((version) => (
          <VersionRow key={version.id} version={version} />
        ))}
      </ul>
    </section>
  );
}

function VersionRow({ version }: { version: Version }) {
  const { id, what, stage, changedAt, madeBy, reason, fileChanged } = version;
  const now = useNow();
  const [why] = reasonLines(reason);
  return (
    <li data-slot="version" data-version={id} data-stage={stage}>
      <PlaceLink
        place={{ show: "version", id }}
        className="-mx-2 block space-y-0.5 rounded-md px-2 py-2.5 text-[13px] transition-colors duration-100 hover:bg-accent/60"
      >
        <span className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5">
          <span className="w-14 shrink-0 text-muted-foreground text-xs">{WHAT_NAMES[what]}</span>
          <span className="min-w-0 flex-1 truncate font-medium">{titleOf(version)}</span>
          <StageChip stage={stage} />
          <span
            title={exactTime(changedAt)}
            className="text-right text-muted-foreground text-xs tabular-nums sm:w-28"
          >
            {ago(changedAt, now)}
          </span>
        </span>
        <span className="block text-muted-foreground text-xs sm:pl-17">
          Made {madeByWords(madeBy)}
          {why === undefined ? "" : `: ${why.replace(/:$/, "")}`}
          {fileChanged ? <span className="text-caution"> · The role’s file has changed since.</span> : null}
        </span>
      </PlaceLink>
    </li>
  );
}
