/** What resources follow, as the server says it, and as it is drawn. Knows no React. */

import { request } from "@/lib/api";
import type { components } from "@/lib/protocol.gen";
import { Remote } from "@/lib/remote";

export type Shares = components["schemas"]["SharesReply"];
export type RoleShare = Shares["roles"][number];
export type Store = Shares["stores"][number];

export const shares = new Remote<Shares>((signal) =>
  request<Shares>("GET", "/learning/shares", undefined, signal),
);

/** Weights lie between these. */
export const LEAST = 0.5;
export const MOST = 2;

/** Where a weight stands between the least and the most, 0 to 1; an equal share is in the middle. */
export function placeOf(weight: number): number {
  return Math.min(Math.max(Math.log2(weight / LEAST) / Math.log2(MOST / LEAST), 0), 1);
}

/** A role's weight over time as a line through `width` × `height`; where it had none, its share was equal. */
export function linePath(
  history: Shares["history"],
  role: string,
  width: number,
  height: number,
  hourMs = 3_600_000,
): string {
  const last = history.at(-1)?.at ?? 0;
  return history
    .map(({ at, weights }, index) => {
      const x = width - ((last - at) * 1000 * width) / hourMs;
      const y = height * (1 - placeOf(weights[role] ?? 1));
      return `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join("");
}

/** All roles that had a weight in the last hour. */
export function rolesOf({ roles, history }: Shares): string[] {
  return [
    ...new Set([...roles.map(({ role }) => role), ...history.flatMap(({ weights }) => Object.keys(weights))]),
  ].sort();
}
