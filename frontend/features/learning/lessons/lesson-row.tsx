"use client";

import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { AgentDot } from "@/components/agent-dot";
import { ConfirmButton } from "@/components/confirm-button";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { BeliefBar } from "@/features/learning/belief-bar";
import { LessonForm } from "@/features/learning/lessons/lesson-form";
import { LessonWhy } from "@/features/learning/lessons/lesson-why";
import { RunLink } from "@/features/learning/run-link";
import { useNow } from "@/hooks/use-now";
import { useTask } from "@/hooks/use-task";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import { howWords, rewardOf, toldWords, usedWords } from "@/lib/lesson-words";
import { lessons } from "@/lib/lessons";
import { type Lesson, lessonsApi } from "@/lib/lessons-api";
import { ago, exactTime } from "@/lib/memory-words";

/** An approved answer: its use at a glance; opened, the whole of it, why it is worth that, and ways to change it. */
export function LessonRow({ lesson, roles }: { lesson: Lesson; roles: readonly string[] }) {
  const { id, role, task, answer, on, createdAt, uses } = lesson;
  const [isOpen, setOpen] = useState(false);
  const now = useNow();
  const { busy, problem, run } = useTask();
  const toggle = (): Promise<void> =>
    run(async () => {
      await lessonsApi.change(id, { on: !on });
      await lessons.load();
    });
  return (
    <li data-slot="lesson" data-lesson={id} data-on={on} className="py-1">
      <div className="flex items-center gap-2">
        <button
          type="button"
          aria-expanded={isOpen}
          data-slot="open-lesson"
          onClick={() => setOpen(!isOpen)}
          className="-ml-2 grid min-w-0 flex-1 grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 rounded-md px-2 py-2 text-left text-[13px] transition-colors duration-100 hover:bg-accent/60 sm:grid-cols-[minmax(0,1fr)_150px_92px]"
        >
          <span className={cn("flex min-w-0 items-center gap-2", on ? "" : "text-muted-foreground")}>
            <ChevronRight
              aria-hidden
              className={cn(
                "size-3.5 shrink-0 text-faint-foreground transition-transform",
                isOpen && "rotate-90",
              )}
            />
            <AgentDot role={role} />
            <span className="sr-only">{role}: </span>
            <span className="min-w-0">
              <span dir="auto" className="block truncate font-medium">
                {task}
              </span>
              <span dir="auto" className="block truncate text-muted-foreground text-xs">
                {answer}
              </span>
            </span>
          </span>
          <span className="max-sm:hidden" title={usedWords(lesson)}>
            {uses > 0 ? (
              <BeliefBar {...rewardOf(lesson)} aria-label={usedWords(lesson)} />
            ) : (
              <span className="text-faint-foreground text-xs">not used yet</span>
            )}
          </span>
          <span className="text-right text-muted-foreground text-xs tabular-nums">
            {plural(uses, "task")}
          </span>
        </button>
        <label
          className="flex shrink-0 cursor-pointer items-center gap-1.5 text-xs max-sm:min-h-9"
          title={toldWords(lesson)}
        >
          <input
            type="checkbox"
            role="switch"
            aria-checked={on}
            data-slot="lesson-on"
            checked={on}
            disabled={busy}
            aria-label={`Tell agents: ${task.slice(0, 80)}`}
            onChange={() => void toggle()}
            className="size-3.5 accent-primary"
          />
          {on ? "On" : "Off"}
        </label>
      </div>
      {problem === null ? null : <Problem facts={problem} className="my-2" />}
      {isOpen ? (
        <div data-slot="lesson-detail" className="space-y-4 border-l pt-2 pb-4 pl-4 sm:ml-[7px]">
          <p className="flex flex-wrap gap-x-2 text-muted-foreground text-xs">
            <span title={exactTime(createdAt)}>
              {howWords(lesson)}, {ago(createdAt, now)}
            </span>
            <span>· {toldWords(lesson)}</span>
            <span className="tabular-nums">· {plural(lesson.tokens, "token")}</span>
            {lesson.runId && lesson.threadId ? (
              <RunLink threadId={lesson.threadId} runId={lesson.runId} taskId={lesson.taskId}>
                Where it is from
              </RunLink>
            ) : null}
          </p>
          <Detail lesson={lesson} roles={roles} />
          <p data-slot="lesson-use" className="text-[13px] tabular-nums">
            {usedWords(lesson)}
          </p>
          <LessonWhy id={id} />
        </div>
      ) : null}
    </li>
  );
}

function Detail({ lesson, roles }: { lesson: Lesson; roles: readonly string[] }) {
  const { id, role, task, answer } = lesson;
  const [editing, setEditing] = useState(false);
  const { busy, problem, run } = useTask();
  if (editing)
    return (
      <LessonForm
        roles={roles}
        start={{ role, task, answer }}
        isKnown
        onKeep={async (body) => {
          await lessonsApi.change(id, { task: body.task, answer: body.answer });
          setEditing(false);
          await lessons.load();
        }}
        onCancel={() => setEditing(false)}
      />
    );
  return (
    <div className="space-y-3">
      {(
        [
          ["Task", task],
          ["Answer", answer],
        ] as const
      ).map(([name, text]) => (
        <div key={name} className="space-y-0.5">
          <h3 className="text-muted-foreground text-xs">{name}</h3>
          <p dir="auto" className="whitespace-pre-wrap text-[13px] leading-5 [overflow-wrap:anywhere]">
            {text}
          </p>
        </div>
      ))}
      <div className="flex flex-wrap items-center gap-2">
        <Button size="sm" data-slot="edit-lesson" onClick={() => setEditing(true)}>
          Edit
        </Button>
        <ConfirmButton
          size="sm"
          data-slot="delete-lesson"
          disabled={busy}
          question="Delete it? Its record stays with the runs that were told it."
          confirm="Delete"
          onConfirm={() =>
            void run(async () => {
              await lessonsApi.remove(id);
              await lessons.load();
            })
          }
        >
          Delete
        </ConfirmButton>
      </div>
      {problem === null ? null : <Problem facts={problem} />}
    </div>
  );
}
