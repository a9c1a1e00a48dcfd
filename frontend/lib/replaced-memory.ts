/** Bringing back a memory that another one replaced. Knows no React. */

import { memoryApi } from "@/lib/memory-api";

export interface Held {
  /** What became of it, as a sentence. */
  readonly words: string;
  readonly undo: () => Promise<unknown>;
}

/** It takes the place of what holds now, if anything does. */
export async function holdAgain(id: string): Promise<Held> {
  await memoryApi.restore(id);
  const { memory, superseded } = await memoryApi.read(id);
  // What held until now ended when this one began again; what it had replaced before ended earlier.
  const holder = superseded.find(({ validTo }) => validTo !== null && validTo >= memory.validFrom);
  return holder === undefined
    ? { words: "It holds again.", undo: () => memoryApi.forget(id) }
    : {
        words: "It holds again, in place of what replaced it.",
        undo: () => memoryApi.restore(holder.id),
      };
}
