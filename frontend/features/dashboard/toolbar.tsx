import { Table2, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { dashboard } from "@/lib/dashboard";
import { RANGES } from "@/lib/dashboard-address";
import type { SectionInfo } from "@/lib/dashboard-charts";
import { clockSeconds } from "@/lib/format";
import { go } from "@/lib/location";
import { moment } from "@/lib/metric-units";

interface ToolbarProps {
  sections: readonly SectionInfo[];
  isTable: boolean;
  onTable: (isTable: boolean) => void;
}

/** The time that the page is about, and whether it goes on. */
export function Toolbar({ sections, isTable, onTable }: ToolbarProps) {
  const { span } = useStore(dashboard.state);
  return (
    <div className="@container flex shrink-0 items-center gap-x-3 border-b px-2 py-1.5 sm:px-4">
      <div role="group" aria-label="Range" className="flex gap-0.5">
        {RANGES.map(({ id, label }) => (
          <Button
            key={id}
            size="sm"
            variant="ghost"
            data-slot="range"
            data-range={id}
            aria-pressed={span.range === id && span.zoom === null}
            className={cn(
              "font-normal tabular-nums max-sm:h-9",
              span.range === id && span.zoom === null && "bg-accent text-foreground",
            )}
            onClick={() => go({ range: id, zoom: null })}
          >
            {label}
          </Button>
        ))}
      </div>
      <Zoom />
      <Parts sections={sections} />
      <Standing />
      <Tooltip label={isTable ? "Show charts" : "Show charts as tables"} side="bottom">
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label="Charts as tables"
          aria-pressed={isTable}
          data-slot="as-tables"
          className={cn(isTable && "bg-accent text-foreground")}
          onClick={() => onTable(!isTable)}
        >
          <Table2 aria-hidden />
        </Button>
      </Tooltip>
    </div>
  );
}

/** The way down a long page. */
function Parts({ sections }: { sections: readonly SectionInfo[] }) {
  return (
    <nav aria-label="Parts" className="ml-auto flex gap-0.5 @max-5xl:hidden">
      {[...sections, { id: "tables", title: "Tables" }].map(({ id, title }) => (
        <Button
          key={id}
          variant="quiet"
          size="sm"
          onClick={() => document.getElementById(`dashboard-${id}`)?.scrollIntoView()}
        >
          {title}
        </Button>
      ))}
    </nav>
  );
}

/** The part that is looked at, and the way out of it. */
function Zoom() {
  const { zoom } = useStore(dashboard.state).span;
  if (zoom === null) return null;
  const seconds = zoom.until - zoom.since;
  return (
    <Tooltip label="Show all of the range again (Escape)" side="bottom">
      <Button
        size="sm"
        variant="ghost"
        data-slot="zoom"
        aria-label="Show all of the range again"
        className="min-w-0 shrink bg-primary-tint font-normal text-foreground tabular-nums"
        onClick={() => go({ zoom: null })}
      >
        <span className="truncate">
          {moment(zoom.since, seconds)} – {moment(zoom.until, seconds)}
        </span>
        <X aria-hidden className="size-3.5" />
      </Button>
    </Tooltip>
  );
}

function Standing() {
  const { isStale, live, series, error, span } = useStore(dashboard.state);
  const last = live?.at ?? series?.at.at(-1);
  const problem = error !== null && series !== null;
  return (
    <p
      data-slot="standing"
      data-stale={isStale}
      role="status"
      className={cn(
        "flex min-w-0 items-center gap-1.5 text-xs tabular-nums @max-5xl:ml-auto",
        isStale ? "text-caution" : "text-faint-foreground",
      )}
    >
      <span
        aria-hidden
        className={cn("size-1.5 shrink-0 rounded-full", isStale || problem ? "bg-caution" : "bg-good")}
      />
      <span className="truncate">
        {isStale
          ? last === undefined
            ? "Not connected"
            : `As of ${clockSeconds(last * 1_000)}`
          : problem
            ? "Figures are late"
            : span.zoom === null
              ? "Live"
              : "Live behind it"}
      </span>
    </p>
  );
}
