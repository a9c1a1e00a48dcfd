/** How far the axis of values of a chart goes, and where its marks may stand. Pure. */

const TENS = [1, 2, 5, 10, 20, 50, 100, 200, 500];
/** Between two marks of an axis, where any number will not do: no half runs, and GiB in round numbers. */
export const STEPS: Readonly<Record<string, number[] | undefined>> = {
  count: [1, 1e3, 1e6].flatMap((size) => TENS.map((step) => step * size)),
  MiB: [1, 1_024, 1_048_576].flatMap((size) => TENS.map((step) => step * size)),
};

/** From zero, with a little air, and never so little that noise looks like an event. */
export function topOf(most: number | null, isCount: boolean): number {
  if (most === null || !Number.isFinite(most) || most <= 0) return isCount ? 4 : 1;
  return isCount ? Math.max(4, most * 1.15) : most * 1.15;
}
