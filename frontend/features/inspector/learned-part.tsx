"use client";

import { Part } from "@/features/inspector/part";
import { useWhole } from "@/features/inspector/use-lens";
import { cn } from "@/lib/cn";
import type { Choice, LessonState } from "@/lib/learned-state";
import { CHOSEN_BY, choiceWords, lessonsWords, optionWords, percent } from "@/lib/learned-words";
import { MAIN } from "@/lib/protocol";

/** What learning had to do with the answer: what it chose, of what, with which odds; what it told. */
export function LearnedPart() {
  const chosen = useWhole((run) => run.choices) ?? [];
  const lessons = useWhole((run) => run.lessons) ?? [];
  if (chosen.length === 0 && lessons.length === 0) return null;
  return (
    <Part title="What learning did">
      {chosen.map(({ taskId, role, choices }) => (
        <div key={taskId} data-slot="chosen" data-task={taskId} className="space-y-2">
          {taskId === MAIN ? null : (
            <p className="text-muted-foreground text-xs">
              Task {taskId}, {role}
            </p>
          )}
          {choices.map((choice) => (
            <ChoiceTable key={choice.what} choice={choice} />
          ))}
        </div>
      ))}
      {lessons.map((told) => (
        <LessonList key={told.messageId} told={told} />
      ))}
    </Part>
  );
}

function ChoiceTable({ choice }: { choice: Choice }) {
  const { what, chosen, by = "learned", options = [] } = choice;
  if (options.length < 2) return <p className="text-[13px]">Chosen: {choiceWords(choice)}.</p>;
  return (
    <table className="w-full text-[13px] tabular-nums">
      <caption className="pb-1 text-left text-muted-foreground text-xs">Chosen: {CHOSEN_BY[by]}</caption>
      <thead className="text-left text-faint-foreground text-xs">
        <tr>
          <th className="font-normal">Option</th>
          <th className="font-normal">Believed reward</th>
          <th className="text-right font-normal">Odds</th>
        </tr>
      </thead>
      <tbody>
        {options.map(({ id, mean = 0, low = 0, high = 1, share = 0 }) => (
          <tr
            key={id}
            aria-current={id === chosen || undefined}
            className={cn(id === chosen && "font-medium")}
          >
            <td className="pr-2">{optionWords(what, id)}</td>
            <td>
              {mean.toFixed(2)}{" "}
              <span className="font-normal text-faint-foreground text-xs">
                {low.toFixed(2)} to {high.toFixed(2)}
              </span>
            </td>
            <td className="text-right">{percent(share)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function LessonList({ told }: { told: LessonState }) {
  const { taskId, examples = [], notes = [] } = told;
  return (
    <details data-slot="lessons" data-task={taskId} className="text-[13px]">
      <summary className="text-muted-foreground hover:text-foreground">
        The prompt{taskId === MAIN ? "" : ` of task ${taskId}`} had {lessonsWords(told)}
      </summary>
      <ul className="mt-2 space-y-2 border-l pl-3">
        {notes.map(({ id, text }) => (
          <li key={id}>{text}</li>
        ))}
        {examples.map(({ id, task, answer, similarity = 0 }) => (
          <li key={id} className="space-y-0.5">
            <p className="line-clamp-2">{task}</p>
            <p className="line-clamp-3 text-muted-foreground">{answer}</p>
            <p className="text-faint-foreground text-xs">like this task by {percent(similarity)}</p>
          </li>
        ))}
      </ul>
    </details>
  );
}
