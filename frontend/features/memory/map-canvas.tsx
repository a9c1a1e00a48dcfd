import { useEffect, useRef, useState } from "react";
import type { MapLens } from "@/features/memory/map-lens";
import { type Ink, inkOf, paint, type Scene } from "@/features/memory/map-paint";
import { useMapGestures } from "@/features/memory/use-map-gestures";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import { type Spot, SpotGrid } from "@/lib/map-geometry";

interface MapCanvasProps {
  lens: MapLens;
  scene: Omit<Scene, "loop">;
  isLooping: boolean;
  onPoint: (id: string | null) => void;
  onOpen: (id: string) => void;
  onChoose: (ids: readonly string[]) => void;
}

/** The map itself. It is drawn once per frame, and only where something changed. */
export function MapCanvas({ lens, scene, isLooping, onPoint, onOpen, onChoose }: MapCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [loop, setLoop] = useState<readonly Spot[]>([]);
  const [grid, setGrid] = useState(() => new SpotGrid(scene.points));
  useEffect(() => {
    setGrid(new SpotGrid(scene.points));
    lens.show(scene.points);
  }, [lens, scene.points]);
  const draw = useDrawing(canvas, lens);
  useEffect(() => draw({ ...scene, loop }), [draw, scene, loop]);
  const gestures = useMapGestures(canvas, {
    lens,
    points: scene.points,
    grid,
    isLooping,
    pointed: scene.pointed,
    onPoint,
    onOpen,
    onLoop: setLoop,
    onChoose,
  });
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it has keys of its own
    <canvas
      ref={canvas}
      tabIndex={0}
      role="application"
      aria-label={`Map of ${plural(scene.points.length, "memory", "memories")}. Arrow keys move it, plus and minus zoom, 0 shows all. What is in view is listed after it.`}
      data-slot="map-canvas"
      data-points={scene.points.length}
      className={cn(
        "absolute inset-0 size-full touch-none font-sans outline-none focus-visible:outline-2 focus-visible:outline-ring focus-visible:-outline-offset-2",
        isLooping
          ? "cursor-crosshair"
          : scene.pointed === null
            ? "cursor-grab active:cursor-grabbing"
            : "cursor-pointer",
      )}
      {...gestures}
    />
  );
}

/** Gives how to show a scene. Size, theme and lens are followed by themselves. */
function useDrawing(
  canvas: React.RefObject<HTMLCanvasElement | null>,
  lens: MapLens,
): (scene: Scene) => void {
  const scene = useRef<Scene | null>(null);
  const frame = useRef(0);
  const ink = useRef<Ink | null>(null);
  const [ask] = useState(() => (): void => {
    if (frame.current !== 0) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = 0;
      const element = canvas.current;
      const ctx = element?.getContext("2d");
      if (!element || !ctx || scene.current === null) return;
      const size = lens.size.get();
      const density = window.devicePixelRatio || 1;
      const [width, height] = [Math.round(size.width * density), Math.round(size.height * density)];
      if (element.width !== width || element.height !== height) Object.assign(element, { width, height });
      ctx.setTransform(density, 0, 0, density, 0, 0);
      ink.current ??= inkOf(element);
      paint(ctx, scene.current, lens.lens.get(), size, lens.fit, ink.current);
    });
  });
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const box = new ResizeObserver(() => {
      lens.resize({ width: element.clientWidth, height: element.clientHeight });
      ask();
    });
    box.observe(element);
    const theme = new MutationObserver(() => {
      ink.current = null;
      ask();
    });
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    const stop = lens.lens.subscribe(ask);
    return () => {
      box.disconnect();
      theme.disconnect();
      stop();
      cancelAnimationFrame(frame.current);
      frame.current = 0;
    };
  }, [canvas, lens, ask]);
  const [show] = useState(() => (next: Scene): void => {
    scene.current = next;
    ask();
  });
  return show;
}
