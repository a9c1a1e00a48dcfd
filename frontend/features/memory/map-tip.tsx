import { AgentDot } from "@/components/agent-dot";
import type { MapLens } from "@/features/memory/map-lens";
import { useStore } from "@/hooks/use-store";
import { toScreen } from "@/lib/map-geometry";
import type { MapPoint } from "@/lib/memory-api";
import { ago, authorOf, authorWords, KIND_NAMES, plain } from "@/lib/memory-words";

const WIDTH = 280;
const GAP = 14;

/** What the point under the pointer says; on a touch screen with the way to it. */
export function MapTip({
  point,
  lens,
  onOpen,
}: {
  point: MapPoint;
  lens: MapLens;
  onOpen: (id: string) => void;
}) {
  const size = useStore(lens.size);
  const { x, y } = toScreen(useStore(lens.lens), size, point);
  if (x < 0 || y < 0 || x > size.width || y > size.height) return null;
  const left = Math.max(8, Math.min(x - WIDTH / 2, size.width - WIDTH - 8));
  const isBelow = y < size.height / 2;
  return (
    <div
      data-slot="map-tip"
      style={{
        left,
        width: Math.min(WIDTH, size.width - 16),
        ...(isBelow ? { top: y + GAP } : { bottom: size.height - y + GAP }),
      }}
      className="pointer-events-none absolute z-10 space-y-1 rounded-lg border bg-popover px-3 py-2 text-[13px] shadow-black/5 shadow-lg"
    >
      <p dir="auto" className="line-clamp-4 leading-5 [overflow-wrap:anywhere]">
        {plain(point.label)}
      </p>
      <p className="flex items-center gap-1.5 text-muted-foreground text-xs">
        <AgentDot role={authorOf(point)} />
        {authorWords(authorOf(point))} · {KIND_NAMES[point.kind]} · {ago(point.createdAt, Date.now())}
        {point.uses > 0 ? ` · used ${point.uses} ×` : ""}
      </p>
      <button
        type="button"
        tabIndex={-1}
        className="pointer-events-auto hidden h-10 w-full text-left font-medium text-primary [@media(hover:none)]:block"
        onClick={() => onOpen(point.id)}
      >
        Open
      </button>
    </div>
  );
}
