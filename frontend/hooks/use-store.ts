import { useSyncExternalStore } from "react";
import type { Readable } from "@/lib/store";

/** The value of a store, and a new rendering whenever it changes. */
export function useStore<T>(store: Readable<T>): T {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}

/** A part of a store's value; `select` must give the same object for the same part. */
export function usePart<T, Part>(store: Readable<T>, select: (value: T) => Part): Part {
  const part = (): Part => select(store.get());
  return useSyncExternalStore(store.subscribe, part, part);
}
