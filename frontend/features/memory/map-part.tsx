import { X } from "lucide-react";
import { useMemo, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { EmptyMemory } from "@/features/memory/empty-memory";
import { MapCanvas } from "@/features/memory/map-canvas";
import { MapLegend } from "@/features/memory/map-legend";
import { MapLens } from "@/features/memory/map-lens";
import { MapList } from "@/features/memory/map-list";
import { MapTip } from "@/features/memory/map-tip";
import { MapZoom } from "@/features/memory/map-zoom";
import { useMemoryMap } from "@/features/memory/use-memory-map";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { count, percent, plural } from "@/lib/format";
import { go } from "@/lib/location";
import { type Colouring, coloured } from "@/lib/map-colour";
import type { MemoryMap } from "@/lib/memory-api";
import { parseFilters } from "@/lib/memory-query";

const NONE: ReadonlySet<string> = new Set();

/** All memories as points; near is alike. `hidden`: one of them is read, and there is no room for both. */
export function MapPart({ hidden }: { hidden: boolean }) {
  const { run, find } = useView();
  const { origin } = parseFilters(find);
  const { map, problem, reload } = useMemoryMap(run, origin);
  if (map === null)
    return problem === null ? (
      <p className="flex-1 px-4 py-6 text-[13px] text-faint-foreground">Laying the map out…</p>
    ) : (
      <Problem facts={problem} className="m-4 flex-1 self-start">
        <Button size="sm" onClick={reload}>
          Try again
        </Button>
      </Problem>
    );
  if (map.points.length === 0)
    return (
      <div className="min-h-0 flex-1 overflow-y-auto">
        {map.total === 0 ? <EmptyMemory origin={origin} /> : <NotPlaced onAgain={reload} />}
      </div>
    );
  return <Plane map={map} hidden={hidden} />;
}

function Plane({ map, hidden }: { map: MemoryMap; hidden: boolean }) {
  const { memory: open, run } = useView();
  const [lens] = useState(() => new MapLens());
  const [by, setBy] = useState<Colouring>("kind");
  const [only, setOnly] = useState(NONE);
  const [chosen, setChosen] = useState(NONE);
  const [pointed, setPointed] = useState<string | null>(null);
  const [isLooping, setLooping] = useState(false);
  const [darkened, setDarkened] = useState<string | null>(null);
  const { points } = map;
  const colours = useMemo(() => coloured(points, by, Date.now()), [points, by]);
  const lit = useMemo(() => {
    if (run === darkened) return NONE;
    const ofRun = new Set(map.ofRun);
    return new Set(points.map(({ id }) => id).filter((id) => ofRun.has(id)));
  }, [points, map.ofRun, run, darkened]);
  const scene = useMemo(
    () => ({ points, colours, only, lit, chosen, pointed, open }),
    [points, colours, only, lit, chosen, pointed, open],
  );
  const tip = points.find(({ id }) => id === pointed);
  const openOne = (id: string): void => {
    setPointed(null);
    go({ memory: id });
  };
  const choose = (ids: readonly string[]): void => {
    setChosen(ids.length === 0 ? NONE : new Set(ids));
    if (ids.length > 0) setLooping(false);
  };
  return (
    <div data-slot="memory-map" className={cn("flex min-w-0 flex-1 flex-col", hidden && "max-lg:hidden")}>
      <MapLegend
        by={by}
        legend={colours.legend}
        only={only}
        isLooping={isLooping}
        onColour={(next) => {
          setBy(next);
          setOnly(NONE);
        }}
        onOnly={(id) => setOnly(only.has(id) ? NONE : new Set([id]))}
        onLooping={setLooping}
      />
      <div className="flex min-h-0 flex-1 max-lg:flex-col">
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          <div className="relative min-h-0 flex-1 overflow-hidden">
            <MapCanvas
              lens={lens}
              scene={scene}
              isLooping={isLooping}
              onPoint={setPointed}
              onOpen={openOne}
              onChoose={choose}
            />
            {lit.size > 0 ? <LitNote count={lit.size} onDarken={() => setDarkened(run)} /> : null}
            {tip === undefined ? null : <MapTip point={tip} lens={lens} onOpen={openOne} />}
            <MapZoom lens={lens} />
          </div>
          <Explained map={map} />
        </div>
        {hidden ? null : (
          <MapList
            points={points}
            colours={colours}
            lens={lens}
            chosen={chosen}
            lit={lit}
            onPoint={setPointed}
            onOpen={openOne}
            onClear={() => setChosen(NONE)}
          />
        )}
      </div>
    </div>
  );
}

/** There are memories, and none has its place: without search by meaning there is no near and far. */
function NotPlaced({ onAgain }: { onAgain: () => void }) {
  return (
    <div data-slot="map-not-placed" className="mx-auto max-w-lg space-y-3 px-6 py-14 text-[14px] leading-6">
      <h2 className="font-semibold text-lg tracking-[-0.011em]">No memory has its place yet</h2>
      <p className="text-muted-foreground">
        The map sets memories that mean much the same near each other. For that each is read once by the model
        on this machine; this goes on in the background.
      </p>
      <Button onClick={onAgain}>Look again</Button>
    </div>
  );
}

function LitNote({ count: lit, onDarken }: { count: number; onDarken: () => void }) {
  return (
    <p
      data-slot="map-lit"
      className="absolute top-3 left-3 flex max-w-[calc(100%-24px)] items-center gap-2 rounded-full border bg-popover/95 py-0.5 pr-1 pl-3 text-[13px]"
    >
      <span aria-hidden className="size-2.5 shrink-0 rounded-full border-2 border-primary" />
      <span className="truncate">{plural(lit, "memory", "memories")} that this answer was given</span>
      <Button
        variant="ghost"
        size="icon-sm"
        aria-label="Show all alike"
        className="rounded-full"
        onClick={onDarken}
      >
        <X aria-hidden />
      </Button>
    </p>
  );
}

/** What the picture is worth, in words. */
function Explained({ map: { points, total, explained } }: { map: MemoryMap }) {
  return (
    <p data-slot="map-explained" className="shrink-0 border-t px-4 py-1.5 text-faint-foreground text-xs">
      Memories close to each other are alike. A flat map shows {percent(explained)} of the differences between
      them, so some look closer than they are.
      {points.length < total ? ` The newest ${count(points.length)} of ${count(total)} are shown.` : ""}
    </p>
  );
}
