"use client";

import { useEffect } from "react";
import { Part } from "@/features/inspector/part";
import { useWhole } from "@/features/inspector/use-lens";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import type { Choice, LessonState } from "@/lib/learned-state";
import { choiceWords, chosenByWords, lessonsWords, optionWords, percent } from "@/lib/learned-words";
import { MAIN } from "@/lib/protocol";
import { titleOfHash, versions } from "@/lib/versions";

/** What learning had to do with the answer: what it chose, of what, with which odds; what it told. */
export function LearnedPart() {
  const chosen = useWhole((run) => run.choices) ?? [];
  const lessons = useWhole((run) => run.lessons) ?? [];
  const ofVersions = chosen.some(({ choices }) => choices.some(({ what }) => what !== "arm"));
  useEffect(() => {
    if (ofVersions) void versions.load();
  }, [ofVersions]);
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
            <ChoiceTable key={choice.what} choice={choice} role={role} />
          ))}
        </div>
      ))}
      {lessons.map((told) => (
        <LessonList key={told.messageId} told={told} />
      ))}
    </Part>
  );
}

function ChoiceTable({ choice, role }: { choice: Choice; role: string }) {
  const { what, chosen, options = [] } = choice;
  const known = useStore(versions.state).value;
  const title = (hash: string): string =>
    what === "arm" ? "" : titleOfHash(known, { what, of: role, hash });
  if (options.length < 2) return <p className="text-[13px]">Chosen: {choiceWords(choice, title(chosen))}.</p>;
  return (
    <table className="w-full text-[13px] tabular-nums">
      <caption className="pb-1 text-left text-muted-foreground text-xs">
        Chosen: {chosenByWords(choice)}
      </caption>
      <thead className="text-left text-faint-foreground text-xs">
        <tr>
          <th className="font-normal">Option</th>
          {what === "arm" ? <th className="font-normal">Believed reward</th> : null}
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
            <td className="pr-2">
              {title(id) || optionWords(what, id)}
              {title(id) === "" ? null : (
                <span className="ml-2 font-mono font-normal text-faint-foreground text-xs">
                  {optionWords(what, id)}
                </span>
              )}
            </td>
            {what === "arm" ? (
              <td>
                {mean.toFixed(2)}{" "}
                <span className="font-normal text-faint-foreground text-xs">
                  {low.toFixed(2)} to {high.toFixed(2)}
                </span>
              </td>
            ) : null}
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
