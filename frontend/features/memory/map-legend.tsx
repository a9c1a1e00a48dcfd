import { Lasso } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { Tooltip } from "@/components/ui/tooltip";
import { OriginChip } from "@/features/memory/origin-chip";
import { cn } from "@/lib/cn";
import { count } from "@/lib/format";
import { COLOURING_NAMES, COLOURINGS, type Colouring, type LegendEntry } from "@/lib/map-colour";

interface MapLegendProps {
  by: Colouring;
  legend: readonly LegendEntry[];
  only: ReadonlySet<string>;
  isLooping: boolean;
  onColour: (by: Colouring) => void;
  onOnly: (id: string) => void;
  onLooping: (isLooping: boolean) => void;
}

/** What the colours say. A click looks at one alone. */
export function MapLegend({ by, legend, only, isLooping, onColour, onOnly, onLooping }: MapLegendProps) {
  return (
    <div
      data-slot="map-legend"
      className="flex shrink-0 items-center gap-2 border-b py-1.5 pr-2 pl-4 max-sm:flex-wrap max-sm:gap-y-0.5 sm:pr-3"
    >
      {/* biome-ignore lint/a11y/noLabelWithoutControl: the control is the list of choices */}
      <label className="inline-flex shrink-0 items-center gap-1 text-muted-foreground text-xs max-sm:mr-auto">
        Colour by
        <Select
          value={by}
          data-slot="map-colour"
          className="font-medium text-foreground max-sm:h-9"
          onChange={(event) => onColour(event.target.value as Colouring)}
        >
          {COLOURINGS.map((each) => (
            <option key={each} value={each}>
              {COLOURING_NAMES[each].toLowerCase()}
            </option>
          ))}
        </Select>
      </label>
      {/* On a phone in rows of their own, so that none is cut off by what stands beside it. */}
      <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-1 gap-y-0.5 max-sm:order-last max-sm:-ml-2 max-sm:max-h-28 max-sm:basis-full max-sm:overflow-y-auto">
        {legend.map(({ id, name, token, count: amount }) => (
          <Button
            key={id}
            variant="quiet"
            size="sm"
            aria-pressed={only.has(id)}
            data-slot="map-legend-entry"
            data-entry={id}
            className={cn(
              "rounded-full max-sm:h-9",
              only.has(id) && "bg-accent text-foreground",
              only.size > 0 && !only.has(id) && "opacity-70",
            )}
            onClick={() => onOnly(id)}
          >
            <span aria-hidden className="size-2.5 rounded-full" style={{ background: `var(${token})` }} />
            {name}
            <span className="text-faint-foreground tabular-nums">{count(amount)}</span>
          </Button>
        ))}
      </div>
      <OriginChip />
      <Tooltip label="Draw a loop around memories (or hold Shift)" side="bottom">
        <Button
          variant="ghost"
          size="icon"
          aria-label="Choose by a loop"
          aria-pressed={isLooping}
          data-slot="map-lasso"
          className={cn("max-sm:size-10", isLooping && "bg-primary-tint text-primary hover:text-primary")}
          onClick={() => onLooping(!isLooping)}
        >
          <Lasso aria-hidden />
        </Button>
      </Tooltip>
    </div>
  );
}
