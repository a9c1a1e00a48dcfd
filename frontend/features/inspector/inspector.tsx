"use client";

import { ChevronRight, X } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { CopyButton } from "@/components/copy-button";
import { Problem } from "@/components/problem";
import { RouteReasons } from "@/components/route-reasons";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { PromptBar } from "@/features/inspector/prompt-bar";
import { PromptText } from "@/features/inspector/prompt-text";
import { Timeline } from "@/features/inspector/timeline";
import { usePath, useRun, useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { go } from "@/lib/location";
import { runRecords } from "@/lib/run-record";
import type { RunState } from "@/lib/run-state";

/** Why this answer: of the chosen turn, else of the last one. */
export function Inspector() {
  const { thread, run } = useView();
  const { runs } = usePath(thread);
  const chosen = run !== null && runs.includes(run) ? run : (runs.at(-1) ?? null);
  const close = (): void => go({ inspect: false }, "replace");
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    // Where it covers the conversation, the keyboard goes with it.
    if (!matchMedia("(min-width: 1024px)").matches) panel.current?.focus();
  }, []);
  return (
    <aside
      ref={panel}
      tabIndex={-1}
      data-slot="inspector"
      aria-label="Why this answer"
      className="flex min-h-0 w-[min(420px,34vw)] shrink-0 flex-col border-l bg-background outline-none max-lg:fixed max-lg:inset-0 max-lg:z-30 max-lg:w-auto max-lg:border-0"
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <header className="flex h-12 shrink-0 items-center justify-between border-b pr-2 pl-5">
        <h2 className="font-medium text-sm">Why this answer</h2>
        <Tooltip label="Close" shortcut="mod+i" side="bottom">
          <Button variant="ghost" size="icon" aria-label="Close the inspector" onClick={close}>
            <X aria-hidden />
          </Button>
        </Tooltip>
      </header>
      {thread === null || chosen === null ? (
        <p className="px-5 py-4 text-[13px] text-muted-foreground">Nothing has been asked yet.</p>
      ) : (
        <RunInside key={chosen} threadId={thread} runId={chosen} />
      )}
    </aside>
  );
}

function RunInside({ threadId, runId }: { threadId: string; runId: string }) {
  const run = useRun(threadId, runId);
  const seq = run?.seq ?? 0;
  const { entries, error } = useStore(runRecords.of(runId));
  useEffect(() => void runRecords.load(runId, seq), [runId, seq]);
  if (run === undefined) return null;
  return (
    <div
      tabIndex={0}
      role="region"
      aria-label="Details of the turn"
      className="min-h-0 flex-1 overflow-y-auto overscroll-contain outline-none"
    >
      <p className="line-clamp-2 border-b px-5 py-3 text-[13px] text-muted-foreground">{run.text}</p>
      {error === null ? null : (
        <Part>
          <Problem facts={error}>
            <Button size="sm" onClick={() => void runRecords.load(runId, seq)}>
              Try again
            </Button>
          </Problem>
        </Part>
      )}
      {run.route === null ? null : (
        <Part title="How it was treated">
          <RouteReasons route={run.route} />
        </Part>
      )}
      <PromptPart run={run} />
      <Part title="What happened">
        <Timeline entries={entries} />
      </Part>
      <Part>
        <div className="relative">
          <details data-slot="raw-journal" className="group/raw">
            <summary className="flex w-fit list-none items-center gap-1.5 pr-10 text-[13px] text-muted-foreground leading-7 hover:text-foreground [&::-webkit-details-marker]:hidden">
              <ChevronRight aria-hidden className="size-3.5 transition-transform group-open/raw:rotate-90" />
              The raw journal
              <span className="font-normal text-faint-foreground text-xs">{entries.length} entries</span>
            </summary>
            <pre
              tabIndex={0}
              className="mt-2 max-h-96 overflow-auto rounded-lg bg-muted/60 p-3 font-mono text-xs leading-4"
            >
              {JSON.stringify(entries, null, 2)}
            </pre>
          </details>
          <CopyButton
            text={() => JSON.stringify(entries, null, 2)}
            label="Copy the journal"
            className="absolute top-0 right-0"
          />
        </div>
      </Part>
    </div>
  );
}

function PromptPart({ run }: { run: RunState }) {
  const start = run.message?.start;
  if (start === undefined) return null;
  return (
    <Part title="What the model was given">
      <PromptBar start={start} />
      <PromptText runId={run.id} attempt={start.attempt} />
    </Part>
  );
}

function Part({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <section className="space-y-3 border-b px-5 py-4 last:border-0">
      {title === undefined ? null : <h3 className="font-medium text-[13px]">{title}</h3>}
      {children}
    </section>
  );
}
