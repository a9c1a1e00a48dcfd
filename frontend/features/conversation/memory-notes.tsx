"use client";

import { memo } from "react";
import { openMemory } from "@/lib/location";
import { MAIN } from "@/lib/protocol";
import { MEMORY } from "@/lib/recall-state";
import type { RunState } from "@/lib/run-state";

/** What the answer's own agent had been told changed while it wrote; of other tasks that is said with them. */
export const MemoryNotes = memo(function MemoryNotes({ mail }: Pick<RunState, "mail">) {
  const changed = mail.flatMap(({ sender, taskId, refs: [memoryId] }) =>
    sender === MEMORY && taskId === MAIN && memoryId !== undefined ? [memoryId] : [],
  );
  const [first] = changed;
  if (first === undefined) return null;
  const many = new Set(changed).size > 1;
  return (
    <p data-slot="memory-changed" className="text-[13px] text-caution">
      {many ? "Memories that it was given were" : "A memory that it was given was"} changed while it worked.{" "}
      <button
        type="button"
        className="underline underline-offset-3 hover:no-underline"
        onClick={() => openMemory(first)}
      >
        See {many ? "the first" : "it"}
      </button>
    </p>
  );
});
