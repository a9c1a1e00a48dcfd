"use client";

import { Button } from "@/components/ui/button";
import { MemoryLink } from "@/features/inspector/memory-link";
import { Part } from "@/features/inspector/part";
import { useShown } from "@/features/inspector/use-lens";
import { plural } from "@/lib/format";
import { go } from "@/lib/location";
import { MEMORY, memoriesOf } from "@/lib/recall-state";
import type { TaskState } from "@/lib/task-state";

/** What it had been told, and does not hold as it was told. */
export function ChangedMemories({ task }: { task: TaskState }) {
  const mail = useShown((run) => run.mail) ?? [];
  const news = mail.filter(({ sender, taskId }) => sender === MEMORY && taskId === task.id);
  if (news.length === 0) return null;
  return (
    <Part>
      <ul data-slot="memory-changed" className="space-y-1 text-[13px] text-caution">
        {news.map(({ seq, text, refs: [id] }) => (
          <li key={seq} className="break-words">
            {text}{" "}
            {id === undefined ? null : (
              <MemoryLink id={id} className="underline underline-offset-3">
                See it
              </MemoryLink>
            )}
          </li>
        ))}
      </ul>
    </Part>
  );
}

/** What it was reminded of, in a line; leads to all of it. */
export function RecalledMemories({ task }: { task: TaskState }) {
  const recalls = useShown((run) => run.recalls) ?? [];
  const memories = memoriesOf(recalls.filter(({ taskId }) => taskId === task.id)).length;
  if (memories === 0) return null;
  return (
    <Part>
      <Button
        variant="link"
        size="inline"
        data-slot="task-recalled"
        className="text-[13px]"
        onClick={() => go({ tab: "memory" }, "replace")}
      >
        It was reminded of {plural(memories, "memory", "memories")}
      </Button>
    </Part>
  );
}
