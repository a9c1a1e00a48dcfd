/** Clocks to watch, shared by all who watch: they run only while someone does. Knows no React. */

import type { Readable } from "@/lib/store";

export function ticker(everyMs: number): Readable<number> {
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setInterval> | undefined;
  let now = 0;
  return {
    get: () => now,
    subscribe(listener) {
      if (listeners.size === 0) {
        now = Date.now();
        timer = setInterval(() => {
          now = Date.now();
          for (const each of [...listeners]) each();
        }, everyMs);
      }
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) clearInterval(timer);
      };
    },
  };
}

export const quarterSeconds = ticker(250);
export const wholeSeconds = ticker(1_000);
