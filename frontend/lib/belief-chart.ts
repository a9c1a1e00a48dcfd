/** How what was believed went, as lines in a box. Pure. */

import type { CurvePoint } from "@/lib/records-api";

export interface Box {
  readonly width: number;
  readonly height: number;
}

export interface CurvePaths {
  readonly line: string;
  /** In which the mean lay with 90 %. */
  readonly band: string;
}

/** Rewards go from 0 to 1, from below; tasks from the first to the last. One task alone is a line through the box. */
export function curvePaths(points: readonly CurvePoint[], { width, height }: Box): CurvePaths {
  const only = points[0];
  if (only === undefined) return { line: "", band: "" };
  const drawn = points.length === 1 ? [only, only] : points;
  const at = (index: number): string => ((index * width) / (drawn.length - 1)).toFixed(1);
  const up = (value: number): string => (height * (1 - Math.min(Math.max(value, 0), 1))).toFixed(1);
  const lineOf = (values: readonly number[]): string =>
    values.map((value, index) => `${index === 0 ? "M" : "L"}${at(index)} ${up(value)}`).join("");
  const back = drawn.map(({ low }, index) => `L${at(index)} ${up(low)}`).reverse();
  return {
    line: lineOf(drawn.map(({ mean }) => mean)),
    band: `${lineOf(drawn.map(({ high }) => high))}${back.join("")}Z`,
  };
}

/** The point that is nearest to a place between the left edge (0) and the right (1). */
export function pointAt(points: readonly CurvePoint[], share: number): CurvePoint | null {
  const index = Math.round(Math.min(Math.max(share, 0), 1) * (points.length - 1));
  return points[index] ?? null;
}
