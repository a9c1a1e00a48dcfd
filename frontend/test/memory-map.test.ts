import { describe, expect, it } from "vitest";
import { coloured } from "@/lib/map-colour";
import {
  fitted,
  isWithin,
  near,
  pinched,
  type Spot,
  SpotGrid,
  shifted,
  toPlane,
  toScreen,
  withRoom,
  withSpot,
  zoomed,
} from "@/lib/map-geometry";
import type { MapPoint } from "@/lib/memory-api";

const SIZE = { width: 800, height: 600 };
/** The same numbers in every run. */
function spots(count: number): Spot[] {
  let seed = 1;
  const next = (): number => {
    seed = (seed * 16_807) % 2_147_483_647;
    return (seed / 2_147_483_647) * 2 - 1;
  };
  return Array.from({ length: count }, () => ({ x: next(), y: next() }));
}

describe("the lens", () => {
  it("shows everything, with a margin", () => {
    const all = spots(300);
    const lens = fitted(all, SIZE);
    for (const spot of all) {
      const { x, y } = toScreen(lens, SIZE, spot);
      expect(x).toBeGreaterThan(30);
      expect(x).toBeLessThan(770);
      expect(y).toBeGreaterThan(30);
      expect(y).toBeLessThan(570);
    }
  });

  it("stands for nothing, and for one", () => {
    expect(fitted([], SIZE).scale).toBeGreaterThan(0);
    const one = fitted([{ x: 0.3, y: -0.2 }], SIZE);
    expect(toScreen(one, SIZE, { x: 0.3, y: -0.2 })).toEqual({ x: 400, y: 300 });
  });

  it("goes to the plane and back, with y upwards", () => {
    const lens = { x: 0.2, y: -0.1, scale: 350 };
    const at = toScreen(lens, SIZE, { x: 0.5, y: 0.4 });
    expect(at.y).toBeLessThan(300);
    const back = toPlane(lens, SIZE, at);
    expect(back.x).toBeCloseTo(0.5);
    expect(back.y).toBeCloseTo(0.4);
  });

  it("keeps what is under the pointer there while it zooms, and has its ends", () => {
    const lens = { x: 0, y: 0, scale: 250 };
    const at = { x: 120, y: 480 };
    const under = toPlane(lens, SIZE, at);
    const near = zoomed(lens, SIZE, at, 3, 250);
    expect(toScreen(near, SIZE, under).x).toBeCloseTo(120);
    expect(toScreen(near, SIZE, under).y).toBeCloseTo(480);
    expect(zoomed(lens, SIZE, at, 1e-9, 250).scale).toBe(125);
    expect(zoomed(lens, SIZE, at, 1e9, 250).scale).toBe(40_000);
  });

  it("follows one finger, and two", () => {
    const lens = { x: 0, y: 0, scale: 200 };
    const spot = { x: 0.1, y: 0.1 };
    const before = toScreen(lens, SIZE, spot);
    const after = toScreen(shifted(lens, 30, -20), SIZE, spot);
    expect([after.x - before.x, after.y - before.y].map(Math.round)).toEqual([30, -20]);
    const pinch = pinched(
      lens,
      SIZE,
      [
        { x: 300, y: 300 },
        { x: 500, y: 300 },
      ],
      [
        { x: 200, y: 300 },
        { x: 600, y: 300 },
      ],
      200,
    );
    expect(pinch.scale).toBeCloseTo(400);
    expect(toScreen(pinch, SIZE, { x: 0, y: 0 }).x).toBeCloseTo(400);
  });
});

describe("who is there", () => {
  it("is found near the pointer as by looking at all", () => {
    const all = spots(2000);
    const grid = new SpotGrid(all);
    for (const at of spots(200).map(({ x, y }) => ({ x: y, y: x }))) {
      for (const reach of [0.005, 0.03, 0.4]) {
        const far = all.map((spot) => Math.hypot(spot.x - at.x, spot.y - at.y));
        const least = Math.min(...far);
        const index = grid.nearest(at, reach);
        if (least > reach) expect(index).toBe(-1);
        else expect(far[index]).toBe(least);
      }
    }
  });

  it("is within a loop, also one that bends inwards", () => {
    const loop = [
      { x: 0, y: 0 },
      { x: 10, y: 0 },
      { x: 10, y: 10 },
      { x: 5, y: 2 },
      { x: 0, y: 10 },
    ];
    expect(isWithin(loop, { x: 1, y: 5 })).toBe(true);
    expect(isWithin(loop, { x: 5, y: 6 })).toBe(false);
    expect(isWithin(loop, { x: 11, y: 5 })).toBe(false);
    expect(isWithin([], { x: 0, y: 0 })).toBe(false);
  });

  it("has its words where there is room, on the other side else", () => {
    const box = (
      left: number,
      top: number,
    ): { left: number; right: number; top: number; bottom: number } => ({
      left,
      right: left + 100,
      top,
      bottom: top + 16,
    });
    const words = [
      { name: "first", places: [box(10, 10)] },
      { name: "over it", places: [box(50, 12)] },
      { name: "beside it", places: [box(50, 12), box(200, 12)] },
      { name: "outside", places: [box(750, 10)] },
      { name: "over a point", places: [box(400, 100)] },
    ];
    const placed = withRoom(words, [{ left: 410, right: 414, top: 105, bottom: 109 }], SIZE, 10);
    expect(placed.map(({ word }) => word.name)).toEqual(["first", "beside it"]);
    expect(withRoom(words, [], SIZE, 1)).toHaveLength(1);
  });

  it("keeps its words clear of every point, however many there are", () => {
    const points = Array.from({ length: 5000 }, (_, at) => {
      const [left, top] = [(at * 37) % SIZE.width, (at * 53) % SIZE.height];
      return { left, top, right: left + 4, bottom: top + 4 };
    });
    const words = Array.from({ length: 200 }, (_, at) => {
      const [left, top] = [(at * 71) % SIZE.width, (at * 29) % SIZE.height];
      return { places: [{ left, top, right: left + 30, bottom: top + 16 }] };
    });
    const free = withRoom(words, points.slice(0, 40), SIZE, 200);
    expect(free.length).toBeGreaterThan(0);
    for (const { place } of [...free, ...withRoom(words, points, SIZE, 200)])
      for (const point of free.some((one) => one.place === place) ? points.slice(0, 40) : points)
        expect(
          place.left < point.right &&
            point.left < place.right &&
            place.top < point.bottom &&
            point.top < place.bottom,
        ).toBe(false);
  });
});

describe("what is in view", () => {
  const lens = { x: 0, y: 0, scale: 100 };
  const SPOTS = [
    { x: -0.5, y: 0 },
    { x: 0.5, y: 0.2 },
  ];

  it("stays as it is while a point is in it", () => {
    expect(withSpot(lens, SIZE, SPOTS)).toBe(lens);
  });

  it("never is nothing: the nearest point comes to its edge", () => {
    const far = withSpot({ x: 300, y: 0, scale: 1000 }, SIZE, SPOTS);
    const { x, y } = toScreen(far, SIZE, { x: 0.5, y: 0.2 });
    expect([x >= 0 && x <= SIZE.width, y >= 0 && y <= SIZE.height]).toEqual([true, true]);
    expect(withSpot(far, SIZE, [])).toBe(far);
  });

  it("cannot be moved away from the points", () => {
    expect(near({ x: 9, y: -9, scale: 10 }, SPOTS)).toEqual({ x: 0.5, y: 0, scale: 10 });
    expect(near(lens, [])).toBe(lens);
  });
});

describe("what a colour says", () => {
  const NOW = 1_000_000_000_000;
  const point = (id: string, more: Partial<MapPoint>): MapPoint => ({
    id,
    x: 0,
    y: 0,
    kind: "semantic",
    agent: "user",
    speaker: "",
    scope: "owner",
    createdAt: NOW / 1000,
    utility: 0,
    uses: 0,
    pinned: false,
    label: id,
    ...more,
  });
  const POINTS = [
    point("a", { kind: "working", agent: "writer", uses: 12, utility: 0.8 }),
    point("b", { agent: "writer", createdAt: NOW / 1000 - 3 * 86_400, utility: -0.4 }),
    point("c", { agent: "analyst", createdAt: NOW / 1000 - 900 * 86_400, uses: 1 }),
  ];

  it.each([
    ["kind", ["Fact 2", "In work 1"]],
    ["agent", ["writer 2", "analyst 1"]],
    ["age", ["Last day 1", "Last week 1", "Older 1"]],
    ["uses", ["10 times or more 1", "Once or twice 1", "Never 1"]],
    ["utility", ["Helped much 1", "No word yet 1", "Did not help 1"]],
  ] as const)("by %s stands in the legend with its number", (by, legend) => {
    const { legend: told, entries } = coloured(POINTS, by, NOW);
    expect(told.map(({ name, count }) => `${name} ${count}`)).toEqual(legend);
    const counts = told.map((_, at) => entries.filter((entry) => entry === at).length);
    expect(counts).toEqual(told.map(({ count }) => count));
  });
});
