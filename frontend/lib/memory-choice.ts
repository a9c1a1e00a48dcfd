/** Which memories of the list are chosen, to do one thing with all of them. Knows no React. */

import { writable } from "@/lib/store";

/** `null`: nothing is being chosen. */
export const memoryChoice = writable<ReadonlySet<string> | null>(null);

export function setChoosing(isChoosing: boolean): void {
  memoryChoice.set(isChoosing ? new Set() : null);
}

export function toggleChosen(id: string): void {
  memoryChoice.update((chosen) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    return next;
  });
}
