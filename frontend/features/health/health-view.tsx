"use client";

import { type ReactNode, useEffect } from "react";
import { AlertsPart } from "@/features/health/alerts-part";
import { ComponentsPart } from "@/features/health/components-part";
import { ErrorsPart } from "@/features/health/errors-part";
import { PARTS, type Part, partOf } from "@/features/health/parts";
import { ReportsPart } from "@/features/health/reports-part";
import { TokensPart } from "@/features/health/tokens-part";
import { WholeOnly } from "@/features/health/whole-only";
import { useNow } from "@/hooks/use-now";
import { useAdmin, useView } from "@/hooks/use-session";
import { usePart, useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { alerts, errors, health } from "@/lib/health-watch";
import { firingOf } from "@/lib/health-words";
import { go } from "@/lib/location";
import { session } from "@/lib/session";

interface HealthViewProps {
  /** How a text in Markdown is shown. */
  markdown: (text: string) => ReactNode;
}

const EVERY_MS = 5_000;

/** How Alma is: its parts, what it warns of, what went wrong, what it was like each day, and who may enter. */
export function HealthView({ markdown }: HealthViewProps) {
  const { part: name, dialog, under } = useView();
  const isAdmin = useAdmin();
  const part = partOf(dialog === null ? name : under);
  useEffect(() => health.follow(EVERY_MS), []);
  useEffect(() => {
    if (!isAdmin) return;
    const stops = [
      alerts.follow(EVERY_MS),
      errors.follow(EVERY_MS),
      session.alerts.subscribe(() => void alerts.load()),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [isAdmin]);
  if (!isAdmin) return <WholeOnly />;
  return (
    <div data-slot="health-view" className="flex min-h-0 flex-1 flex-col border-t">
      <Tabs part={part} />
      <div
        role="tabpanel"
        id={`health-panel-${part}`}
        aria-labelledby={`health-tab-${part}`}
        tabIndex={0}
        className="min-h-0 flex-1 overflow-y-auto overscroll-contain outline-none"
      >
        <div className="mx-auto w-full max-w-[860px] space-y-8 px-4 pt-6 pb-16 sm:px-6">
          {part === "components" ? <ComponentsPart /> : null}
          {part === "alerts" ? <AlertsPart /> : null}
          {part === "errors" ? <ErrorsPart /> : null}
          {part === "reports" ? <ReportsPart markdown={markdown} /> : null}
          {part === "tokens" ? <TokensPart /> : null}
        </div>
      </div>
    </div>
  );
}

function Tabs({ part }: { part: Part }) {
  const now = useNow();
  const loud = usePart(alerts.state, ({ value }) => firingOf(value?.rules ?? [], now).loud.length);
  const open = usePart(
    errors.state,
    ({ value }) => value?.filter(({ state }) => state === "open").length ?? 0,
  );
  const counts: Partial<Record<Part, number>> = { alerts: loud, errors: open };
  const unwell = useStore(health.state).value?.components.filter(({ status }) => status !== "ok").length ?? 0;
  return (
    <div
      role="tablist"
      aria-label="Health"
      className="flex shrink-0 gap-5 overflow-x-auto border-b px-4 [scrollbar-width:none] max-sm:gap-3"
    >
      {PARTS.map(({ id, label }) => {
        const many = id === "components" ? unwell : (counts[id] ?? 0);
        return (
          <button
            key={id}
            type="button"
            role="tab"
            id={`health-tab-${id}`}
            aria-selected={part === id}
            aria-controls={part === id ? `health-panel-${id}` : undefined}
            data-slot={`health-tab-${id}`}
            onClick={() => go({ part: id, item: null })}
            className={cn(
              "-mb-px flex h-10 shrink-0 items-center gap-1.5 border-transparent border-b-2 text-[13px] text-muted-foreground hover:text-foreground max-sm:h-11 max-sm:px-1",
              part === id && "border-primary text-foreground",
            )}
          >
            {label}
            {many > 0 ? (
              <span className="rounded-full bg-muted px-1.5 text-[11px] text-foreground leading-4 tabular-nums">
                {many}
              </span>
            ) : null}
          </button>
        );
      })}
    </div>
  );
}
