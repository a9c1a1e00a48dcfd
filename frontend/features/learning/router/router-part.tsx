"use client";

import { useEffect } from "react";
import { AgentDot } from "@/components/agent-dot";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { ArmRow } from "@/features/learning/router/arm-row";
import { ChoiceRows } from "@/features/learning/router/choice-rows";
import { ExplorationLine } from "@/features/learning/router/exploration-line";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { contextWords } from "@/lib/belief-words";
import { cn } from "@/lib/cn";
import { formatPlace, parsePlace } from "@/lib/learning-place";
import { go } from "@/lib/location";
import { type Router, router } from "@/lib/router-api";
import { session } from "@/lib/session";

const EVERY_MS = 5_000;

/** Who gets which tasks, and why: what is believed of each way now, and the last choices with their odds. */
export function RouterPart() {
  const { item } = useView();
  const { of, context } = parsePlace(item);
  const role = of || "manager";
  const { value, error } = useStore(router.state);
  useEffect(() => {
    router.about({ role, context });
    return router.follow(EVERY_MS);
  }, [role, context]);
  const isNews = value?.query.role === role && value.query.context === context;
  return (
    <>
      <p className="max-w-2xl text-pretty text-[13px] text-muted-foreground">
        Where a task can be done in more than one way, Alma chooses by what it believes each is worth: mostly
        the best, now and then another, to find out more.
      </p>
      <Chooser role={role} context={value?.reply.context ?? context} contexts={value?.reply.contexts ?? []} />
      {error !== null && (value === null || !isNews) ? (
        <Problem facts={error}>
          <Button size="sm" onClick={() => void router.load()}>
            Try again
          </Button>
          {item === null ? null : (
            <Button size="sm" onClick={() => go({ item: null })}>
              Look at the manager
            </Button>
          )}
        </Problem>
      ) : null}
      {value === null ? null : (
        <div
          aria-busy={!isNews}
          className={cn("space-y-8 transition-opacity duration-100", !isNews && "opacity-45")}
        >
          <Believed router={value.reply} />
        </div>
      )}
    </>
  );
}

function Believed({ router: { on, role, context, arms, lately, choices } }: { router: Router }) {
  const only = arms.length === 1;
  return (
    <>
      {on ? null : (
        <p data-slot="router-off" className="border-caution border-l-2 py-1 pl-4 text-sm">
          Learning is off for you, so every task is done as usual. You can turn it on in{" "}
          <Button variant="link" size="inline" onClick={() => go({ part: "records", item: null })}>
            Records
          </Button>
          .
        </p>
      )}
      <section aria-labelledby="router-arms" className="space-y-3">
        <h2 id="router-arms" className="font-medium text-sm">
          Ways to do it
        </h2>
        <ul data-slot="arms" data-role={role} data-context={context} className="divide-y border-y">
          {arms.map((arm) => (
            <ArmRow key={arm.id} arm={arm} context={context} />
          ))}
        </ul>
        {only ? (
          <p data-slot="one-way" className="max-w-2xl text-pretty text-[13px] text-muted-foreground">
            This is the only way so far, so nothing is up to choice. Another way is another model (
            <code className="font-mono text-xs">models:</code> in the file of {role}), another agent (a role
            with <code className="font-mono text-xs">variant_of: {role}</code>)
            {role === "manager" ? ", or for analytical requests another way to split them" : ""}.
          </p>
        ) : null}
      </section>
      <ExplorationLine lately={lately} on={on} />
      <ChoiceRows choices={choices} />
    </>
  );
}

interface ChooserProps {
  role: string;
  context: string;
  contexts: readonly string[];
}

/** Whose tasks, and of which kind. */
function Chooser({ role, context, contexts }: ChooserProps) {
  const roles = useStore(session.roles.state);
  useEffect(() => void session.roles.load(), []);
  const names = [...new Set(["manager", ...roles.map(({ name }) => name), role])];
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-[13px]">
      <span className="flex items-center gap-2">
        <AgentDot role={role} />
        Tasks of
        <Select
          aria-label="Role"
          data-slot="router-role"
          className="text-[13px] max-sm:h-9"
          value={role}
          onChange={({ target }) => go({ item: formatPlace({ of: target.value, context: "" }) })}
        >
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Select>
      </span>
      {contexts.length < 2 ? null : (
        <span role="group" aria-label="Kind of tasks" className="flex gap-0.5">
          {contexts.map((each) => (
            <Button
              key={each}
              size="sm"
              variant="ghost"
              data-slot="router-context"
              data-context={each}
              aria-pressed={context === each}
              className={cn("font-normal max-sm:h-9", context === each && "bg-accent text-foreground")}
              onClick={() => go({ item: formatPlace({ of: role, context: each }) })}
            >
              {contextWords(each)}
            </Button>
          ))}
        </span>
      )}
    </div>
  );
}
