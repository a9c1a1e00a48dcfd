import { Maximize, Minus, Plus } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { type MapLens, STEP } from "@/features/memory/map-lens";

/** Nearer, farther, all of it. */
export function MapZoom({ lens }: { lens: MapLens }) {
  const ways = [
    { label: "Nearer", keys: "+", Icon: Plus, act: () => lens.zoom(STEP) },
    { label: "Farther", keys: "-", Icon: Minus, act: () => lens.zoom(1 / STEP) },
    { label: "Show all", keys: "0", Icon: Maximize, act: () => lens.showAll() },
  ];
  return (
    <div className="absolute right-3 bottom-3 flex flex-col rounded-lg border bg-popover/90">
      {ways.map(({ label, keys, Icon, act }) => (
        <Tooltip key={label} label={label} shortcut={keys}>
          <Button variant="ghost" size="icon" aria-label={label} className="max-sm:size-10" onClick={act}>
            <Icon aria-hidden />
          </Button>
        </Tooltip>
      ))}
    </div>
  );
}
