"use client";

import { RunLink } from "@/features/learning/run-link";
import { useNow } from "@/hooks/use-now";
import { sentence } from "@/lib/belief-words";
import { optionWords } from "@/lib/learned-words";
import { ago, exactTime } from "@/lib/memory-words";
import type { Chosen } from "@/lib/router-api";
import { chosenWords, rewardWords } from "@/lib/router-words";

/** The last choices of such tasks, each with its odds and what came of it. */
export function ChoiceRows({ choices }: { choices: readonly Chosen[] }) {
  const now = useNow();
  return (
    <section aria-labelledby="router-choices" className="space-y-3">
      <h2 id="router-choices" className="font-medium text-sm">
        The last choices
      </h2>
      {choices.length === 0 ? (
        <p data-slot="no-choices" className="text-muted-foreground text-sm">
          No such task was up to choice yet. Once one was, it stands here, with its odds.
        </p>
      ) : (
        <ul data-slot="choices" className="divide-y border-y">
          {choices.map((one) => (
            <li
              key={`${one.runId} ${one.taskId}`}
              data-slot="choice"
              data-run={one.runId}
              data-by={one.by}
              className="flex flex-wrap items-baseline gap-x-4 gap-y-0.5 py-2 text-[13px] tabular-nums"
            >
              <span className="w-20 shrink-0 text-muted-foreground text-xs" title={exactTime(one.at)}>
                {ago(one.at, now)}
              </span>
              <span className="min-w-0 flex-1 break-words">
                {sentence(optionWords("arm", one.chosen))}
                <span className="block text-muted-foreground text-xs">{chosenWords(one)}</span>
              </span>
              <span className="text-muted-foreground text-xs">{rewardWords(one.reward)}</span>
              <span className="flex gap-3 text-xs">
                <RunLink {...one}>The run</RunLink>
                <RunLink {...one} why>
                  Its Why
                </RunLink>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
