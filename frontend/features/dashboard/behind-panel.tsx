"use client";

import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { BehindRow } from "@/features/dashboard/behind-row";
import { useBehind } from "@/features/dashboard/use-behind";
import { usePart, useStore } from "@/hooks/use-store";
import { dashboard } from "@/lib/dashboard";
import { type Behind, rangeInfo, type Span } from "@/lib/dashboard-address";
import { titleOf } from "@/lib/dashboard-charts";
import { plural } from "@/lib/format";
import { go } from "@/lib/location";
import { moment } from "@/lib/metric-units";

/** The runs that a number is made of. */
export function BehindPanel({ behind }: { behind: Behind }) {
  const span = usePart(dashboard.state, (state) => state.span);
  const { list, problem, load, more } = useBehind(behind, span);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <aside
      data-slot="behind"
      data-metric={behind.metric}
      aria-labelledby="behind-title"
      className="flex min-h-0 w-full shrink-0 flex-col bg-background lg:w-96 lg:border-l"
    >
      <header className="flex shrink-0 items-start gap-2 border-b py-2 pr-2 pl-4">
        <div className="min-w-0 flex-1 py-1">
          <Title behind={behind} heading={heading} />
          <p className="truncate text-muted-foreground text-xs tabular-nums">{timeWords(behind, span)}</p>
        </div>
        <Tooltip label="Close" side="bottom">
          <Button
            variant="ghost"
            size="icon"
            aria-label="Close the list of runs"
            data-slot="close-behind"
            onClick={() => go({ behind: null })}
          >
            <X aria-hidden />
          </Button>
        </Tooltip>
      </header>
      <div
        tabIndex={0}
        role="region"
        aria-label="Runs behind it"
        className="min-h-0 flex-1 overflow-y-auto overscroll-contain"
      >
        {problem === null ? null : (
          <Problem facts={problem} className="m-4">
            <Button size="sm" onClick={load}>
              Try again
            </Button>
          </Problem>
        )}
        {list === null && problem === null ? (
          <p className="px-4 py-4 text-[13px] text-faint-foreground">Loading…</p>
        ) : null}
        {list === null ? null : (
          <>
            <ul data-slot="behind-runs" className="divide-y">
              {list.runs.map((run) => (
                <BehindRow key={`${run.runId} ${run.seq}`} run={run} unit={list.unit} />
              ))}
            </ul>
            {list.runs.length === 0 ? (
              <p data-slot="behind-none" className="px-4 py-4 text-[13px] text-muted-foreground">
                {list.others > 0
                  ? "None of your runs is behind this number."
                  : "No run is behind this number in this time."}
              </p>
            ) : null}
            {list.more ? (
              <Button variant="quiet" size="sm" className="w-full" data-slot="more-behind" onClick={more}>
                Show more
              </Button>
            ) : null}
            {list.others > 0 ? (
              <p data-slot="behind-others" className="border-t px-4 py-3 text-[13px] text-muted-foreground">
                and {plural(list.others, "run")} of other people
              </p>
            ) : null}
          </>
        )}
      </div>
    </aside>
  );
}

function Title({ behind, heading }: { behind: Behind; heading: React.RefObject<HTMLHeadingElement | null> }) {
  const { reply } = useStore(dashboard.state);
  const title = titleOf(behind.metric, reply?.metrics ?? []);
  return (
    <h2
      ref={heading}
      id="behind-title"
      tabIndex={-1}
      className="truncate font-medium text-sm outline-none"
      title={title}
    >
      {title}
      {behind.by === null ? null : <span className="text-muted-foreground"> · {behind.name}</span>}
    </h2>
  );
}

function timeWords({ between }: Behind, { range, zoom }: Span): string {
  const time = between ?? zoom;
  if (time === null) return `The last ${rangeInfo(range).words}`;
  const seconds = time.until - time.since;
  const fine = between === null ? seconds : Math.max(seconds, rangeInfo(range).seconds);
  return `${moment(time.since, fine)} – ${moment(time.until, fine)}`;
}
