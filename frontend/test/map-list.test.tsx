// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, expect, it, vi } from "vitest";
import { MapLens } from "@/features/memory/map-lens";
import { MapList } from "@/features/memory/map-list";
import { coloured } from "@/lib/map-colour";
import type { MapPoint } from "@/lib/memory-api";

afterEach(() => vi.unstubAllGlobals());

it("forgets of the chosen only those that are on the map", async () => {
  let forgotten: string[] = [];
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.stubGlobal("fetch", async (_path: string, { body }: { body: string }) => {
    forgotten = (JSON.parse(body) as { ids: string[] }).ids;
    return Response.json({ changed: forgotten, unknown: [] });
  });
  const points = ["m_here", "m_there"].map((id) => ({ id, label: id, x: 0, y: 0 }) as unknown as MapPoint);
  const nothing = (): void => {};
  const page = document.createElement("div");
  const root = createRoot(page);
  await act(async () =>
    root.render(
      <MapList
        points={points}
        colours={coloured(points, "kind", 0)}
        lens={new MapLens()}
        chosen={new Set(["m_here", "m_gone"])}
        lit={new Set()}
        onPoint={nothing}
        onOpen={nothing}
        onClear={nothing}
      />,
    ),
  );
  const forget = page.querySelector<HTMLButtonElement>("[data-slot=map-forget]");
  expect(forget?.textContent).toBe("Forget 1");
  await act(async () => forget?.click());
  expect(forgotten).toEqual(["m_here"]);
  await act(async () => root.unmount());
});
