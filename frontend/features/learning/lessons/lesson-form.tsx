"use client";

import { useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { useTask } from "@/hooks/use-task";
import type { NewLesson } from "@/lib/lessons-api";

interface LessonFormProps {
  roles: readonly string[];
  start: NewLesson;
  /** It is there already: its role stays. */
  isKnown?: boolean;
  onKeep: (body: NewLesson) => Promise<void>;
  onCancel: () => void;
}

const MOST_CHARS = 8000;

/** A task, and the answer that one would wish for. */
export function LessonForm({ roles, start, isKnown = false, onKeep, onCancel }: LessonFormProps) {
  const [body, setBody] = useState(start);
  const { busy, problem, run } = useTask();
  const isWhole = body.task.trim() !== "" && body.answer.trim() !== "";
  return (
    <form
      data-slot="lesson-form"
      data-escape
      className="space-y-3 border-l-2 pl-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (isWhole && !busy) void run(() => onKeep(body));
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onCancel();
      }}
    >
      {isKnown ? null : (
        <span className="flex items-center gap-2 text-[13px]">
          <span className="text-muted-foreground">For</span>
          <Select
            data-slot="lesson-form-role"
            aria-label="Role"
            value={body.role}
            onChange={(event) => setBody({ ...body, role: event.target.value })}
          >
            {roles.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </Select>
        </span>
      )}
      {(["task", "answer"] as const).map((part) => (
        <label key={part} className="block space-y-1">
          <span className="text-muted-foreground text-xs">
            {part === "task" ? "Task" : "The answer that you would wish for"}
          </span>
          <textarea
            dir="auto"
            rows={part === "task" ? 2 : 4}
            maxLength={MOST_CHARS}
            data-slot={`lesson-${part}`}
            value={body[part]}
            onChange={(event) => setBody({ ...body, [part]: event.target.value })}
            className="field-sizing-content max-h-80 w-full resize-none rounded-md border border-input bg-transparent px-2.5 py-1.5 text-[13px] leading-5 outline-none placeholder:text-faint-foreground focus-visible:border-ring focus-visible:ring-2 focus-visible:ring-ring/25 max-sm:text-base"
          />
        </label>
      ))}
      {problem === null ? null : <Problem facts={problem} />}
      <div className="flex items-center gap-2">
        <Button type="submit" size="sm" variant="primary" data-slot="keep-lesson" disabled={busy || !isWhole}>
          Keep
        </Button>
        <Button size="sm" variant="quiet" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
