/** The interval of a difference as tasks came, as lines in a box. Pure. */

import type { Box } from "@/lib/belief-chart";
import type { CoursePoint } from "@/lib/versions-api";

export interface CourseShape {
  /** Where the difference lay. */
  readonly band: string;
  /** How far from no difference the box goes, each way. */
  readonly reach: number;
}

/** The course in a box whose middle is no difference. */
export function courseShape(course: readonly CoursePoint[], { width, height }: Box): CourseShape {
  const only = course[0];
  if (only === undefined) return { band: "", reach: 1 };
  const drawn = course.length === 1 ? [only, only] : course;
  const reach = reachOf(course);
  const x = (index: number): string => ((index * width) / (drawn.length - 1)).toFixed(1);
  const y = (value: number): string => {
    const within = Math.min(Math.max(value / reach, -1), 1);
    return ((height * (1 - within)) / 2).toFixed(1);
  };
  const above = drawn.map(({ high }, index) => `${index === 0 ? "M" : "L"}${x(index)} ${y(high)}`);
  const below = drawn.map(({ low }, index) => `L${x(index)} ${y(low)}`).reverse();
  return { band: `${above.join("")}${below.join("")}Z`, reach };
}

/** As narrow as the last interval can be read in: what came first is wider than it says. */
function reachOf(course: readonly CoursePoint[]): number {
  const last = course.at(-1);
  if (last === undefined) return 1;
  const far = Math.max(Math.abs(last.low), Math.abs(last.high));
  return [0.1, 0.2, 0.5].find((reach) => far * 1.6 <= reach) ?? 1;
}
