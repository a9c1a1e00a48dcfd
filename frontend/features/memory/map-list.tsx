import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { forgetMany } from "@/features/memory/forget-many";
import type { MapLens } from "@/features/memory/map-lens";
import { cn } from "@/lib/cn";
import { count, plural } from "@/lib/format";
import type { Coloured } from "@/lib/map-colour";
import { toScreen } from "@/lib/map-geometry";
import type { MapPoint } from "@/lib/memory-api";
import { plain } from "@/lib/memory-words";

const MOST = 80;
const SETTLED_MS = 180;

interface MapListProps {
  points: readonly MapPoint[];
  colours: Coloured;
  lens: MapLens;
  chosen: ReadonlySet<string>;
  lit: ReadonlySet<string>;
  onPoint: (id: string | null) => void;
  onOpen: (id: string) => void;
  onClear: () => void;
}

/** The same as a list: what is chosen, else what lights up, else what is in view. This is how the map is read without seeing it. */
export function MapList(props: MapListProps) {
  const { points, colours, lens, chosen, lit, onPoint, onOpen, onClear } = props;
  const inView = useInView(points, lens);
  const named = chosen.size > 0 ? chosen : lit;
  const listed = named.size > 0 ? [...points.keys()].filter((at) => named.has(points[at]?.id ?? "")) : inView;
  const what = chosen.size > 0 ? "chosen" : lit.size > 0 ? "of this answer" : "in view";
  return (
    <section
      aria-label={`Memories ${what}`}
      data-slot="map-list"
      className="flex min-h-0 flex-col max-lg:h-[36%] max-lg:border-t lg:w-80 lg:shrink-0 lg:border-l"
    >
      <p
        aria-live="polite"
        className="flex h-9 shrink-0 items-center px-4 text-muted-foreground text-xs tabular-nums"
      >
        {plural(listed.length, "memory", "memories")} {what}
        {chosen.size > 0 ? (
          <span className="-mr-2 ml-auto flex gap-1">
            <Button
              variant="danger"
              size="sm"
              disabled={listed.length === 0}
              data-slot="map-forget"
              onClick={async () => {
                if (await forgetMany(listed.flatMap((at) => points[at]?.id ?? []))) onClear();
              }}
            >
              Forget {count(listed.length)}
            </Button>
            <Button variant="quiet" size="sm" data-slot="map-clear" onClick={onClear}>
              Clear
            </Button>
          </span>
        ) : null}
      </p>
      <ul
        tabIndex={listed.length === 0 ? 0 : undefined}
        aria-label="Memories"
        className="min-h-0 flex-1 overflow-y-auto px-2 pb-2"
        onPointerLeave={() => onPoint(null)}
      >
        {listed.slice(0, MOST).map((at) => {
          const point = points[at];
          if (point === undefined) return null;
          const token = colours.legend[colours.entries[at] ?? 0]?.token ?? "--foreground";
          return (
            <li key={point.id}>
              <button
                type="button"
                data-slot="map-list-item"
                data-memory={point.id}
                onFocus={() => onPoint(point.id)}
                onPointerEnter={(event) => (event.pointerType === "mouse" ? onPoint(point.id) : undefined)}
                onClick={() => onOpen(point.id)}
                className={cn(
                  "flex w-full items-baseline gap-2 rounded px-2 py-1.5 text-left text-[13px] leading-5 hover:bg-accent max-sm:py-2.5",
                )}
              >
                <span
                  aria-hidden
                  className="size-2 shrink-0 translate-y-[-1px] rounded-full"
                  style={{ background: `var(${token})` }}
                />
                <span dir="auto" className="line-clamp-2 min-w-0 flex-1 [overflow-wrap:anywhere]">
                  {plain(point.label)}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
      {listed.length > MOST ? (
        <p className="shrink-0 border-t px-4 py-2 text-faint-foreground text-xs">
          The first {MOST} are listed. Come nearer to see the others.
        </p>
      ) : null}
    </section>
  );
}

/** Places of the points that are on the screen, once it has come to rest. */
function useInView(points: readonly MapPoint[], lens: MapLens): readonly number[] {
  const [inView, setInView] = useState<readonly number[]>([]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = (): void => {
      const size = lens.size.get();
      const at = lens.lens.get();
      const found: number[] = [];
      for (const [index, point] of points.entries()) {
        const { x, y } = toScreen(at, size, point);
        if (x >= 0 && y >= 0 && x <= size.width && y <= size.height) found.push(index);
      }
      setInView(found);
    };
    const moved = (): void => {
      clearTimeout(timer);
      timer = setTimeout(look, SETTLED_MS);
    };
    moved();
    const stops = [lens.lens.subscribe(moved), lens.size.subscribe(moved)];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [points, lens]);
  return inView;
}
