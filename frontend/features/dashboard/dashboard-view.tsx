"use client";

import { useEffect, useMemo, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { BehindPanel } from "@/features/dashboard/behind-panel";
import { ChartSection } from "@/features/dashboard/chart-section";
import { Figures } from "@/features/dashboard/figures";
import { Nothing, Untouched } from "@/features/dashboard/nothing";
import { Tables } from "@/features/dashboard/tables";
import { Toolbar } from "@/features/dashboard/toolbar";
import { useView } from "@/hooks/use-session";
import { usePart, useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { type DashboardState, dashboard } from "@/lib/dashboard";
import { formatBehind, parseBehind, parseSpan, rangeInfo } from "@/lib/dashboard-address";
import { type SectionInfo, sectionsFor } from "@/lib/dashboard-charts";
import { isUntouched } from "@/lib/dashboard-figures";
import { go, location } from "@/lib/location";
import { newest } from "@/lib/metric-series";
import { session } from "@/lib/session";
import "@/features/dashboard/plot.css";

/** How Alma is doing, live and over time. For administrators: the figures are of everybody. */
export function DashboardView() {
  const isAdmin = usePart(session.connection.state, ({ welcome }) =>
    welcome === null ? null : (welcome.admin ?? true),
  );
  return (
    <div data-slot="dashboard" className="flex min-h-0 flex-1 border-t">
      {isAdmin === true ? <Board /> : null}
      {isAdmin === false ? (
        <Nothing slot="not-admin" title="The dashboard is for administrators">
          <p className="text-muted-foreground">
            Its figures are of everybody who uses this Alma, so your access token does not open it.
          </p>
        </Nothing>
      ) : null}
    </div>
  );
}

function Board() {
  const { range, zoom, behind: asked } = useView();
  const [isTable, setTable] = useState(false);
  useEffect(() => dashboard.show(parseSpan(range, zoom)), [range, zoom]);
  useEffect(() => dashboard.start(), []);
  useEffect(leaveByEscape, []);
  const sections = sectionsOf(useStore(dashboard.state));
  const behind = useMemo(() => parseBehind(asked), [asked]);
  return (
    <>
      <div className={cn("flex min-w-0 flex-1 flex-col", behind !== null && "max-lg:hidden")}>
        <Toolbar sections={sections} isTable={isTable} onTable={setTable} />
        <div
          tabIndex={0}
          role="region"
          aria-label="Dashboard"
          className="@container relative min-h-0 flex-1 overflow-y-auto overscroll-contain"
        >
          <Content sections={sections} isTable={isTable} />
        </div>
      </div>
      {behind === null ? null : <BehindPanel key={formatBehind(behind)} behind={behind} />}
    </>
  );
}

function Content({ sections, isTable }: { sections: readonly SectionInfo[]; isTable: boolean }) {
  const { series, reply, error, isStale, isOld, span } = useStore(dashboard.state);
  if (error?.code === "metrics_off")
    return (
      <Nothing slot="metrics-off" title="No figures are taken">
        <p className="text-muted-foreground">{error.message}</p>
        {error.hint ? <p className="text-muted-foreground">{error.hint}</p> : null}
      </Nothing>
    );
  const untouched = reply !== null && isUntouched(reply);
  const time = span.zoom === null ? `in the last ${rangeInfo(span.range).words}` : "in this time";
  return (
    <div
      data-slot="board"
      data-loaded={series !== null && reply !== null && !isOld}
      className={cn(
        "mx-auto w-full max-w-[1480px] space-y-8 px-4 pt-5 pb-16 sm:px-6",
        (isStale || isOld) && "[&_[data-slot=plot]]:opacity-45",
      )}
    >
      {error === null ? null : (
        <Problem facts={error}>
          <Button size="sm" onClick={() => void dashboard.load()}>
            Try again
          </Button>
        </Problem>
      )}
      {untouched ? <Untouched time={time} /> : <Figures />}
      <div className="grid grid-cols-1 gap-x-10 gap-y-8 @6xl:grid-cols-3">
        {sections.map((section) => (
          <ChartSection key={section.id} section={section} isTable={isTable} />
        ))}
      </div>
      {reply === null || (reply.routes.length === 0 && untouched) ? null : (
        <section id="dashboard-tables" aria-label="Tables" className="border-t pt-5">
          <h2 className="mb-4 font-semibold text-[15px] tracking-[-0.011em]">Who and where</h2>
          <Tables />
        </section>
      )}
    </div>
  );
}

/** Where nothing was asked, only what the machine does all the same. */
function sectionsOf({ series, reply }: DashboardState): readonly SectionInfo[] {
  const all = sectionsFor(reply?.metrics ?? []);
  if (reply === null || series === null || !isUntouched(reply)) return all;
  return all
    .filter(({ id }) => id === "server" || id === "resources")
    .map((section) => ({
      ...section,
      charts: section.charts.filter(({ lines }) =>
        lines.some(({ metric }) => newest(series, metric) !== null),
      ),
    }));
}

/** Escape closes what was opened last: the list of runs, then the zoom. */
function leaveByEscape(): () => void {
  const pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (document.querySelector("[role=dialog], [role=menu]") !== null) return;
    const { behind, zoom } = location.get();
    if (behind !== null) go({ behind: null });
    else if (zoom !== null) go({ zoom: null });
  };
  window.addEventListener("keydown", pressed);
  return () => window.removeEventListener("keydown", pressed);
}
