"use client";

import { AgentDot } from "@/components/agent-dot";
import { Button } from "@/components/ui/button";
import { BeliefBar } from "@/features/learning/belief-bar";
import { costWords, evidenceWords, score, timeWords } from "@/lib/belief-words";
import { percent, plural } from "@/lib/format";
import { formatPlace } from "@/lib/learning-place";
import { go } from "@/lib/location";
import type { Arm } from "@/lib/router-api";
import { armWords, priorWords, shareWords } from "@/lib/router-words";

/** One way to do a task: what is believed of it, from what, and how often it would be chosen now. */
export function ArmRow({ arm, context }: { arm: Arm; context: string }) {
  const { id, usual, role, model, mean, low, high, weight, count, cost, share, prior, ms, money } = arm;
  const facts = [
    count === 0 ? "never done" : `${plural(count, "task")}, ${evidenceWords(weight)} evidence`,
    ms === null ? "" : `${timeWords(ms)} each`,
    money === null || money <= 0 ? "" : costWords(money),
    cost < 0.005 ? "" : `loses ${score(cost)} for its time and money`,
  ].filter(Boolean);
  return (
    <li data-slot="arm" data-arm={id} data-usual={usual} className="space-y-2 py-3.5">
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1 text-[13px]">
        <span className="flex min-w-0 items-baseline gap-2 font-medium">
          <AgentDot role={role} />
          <span className="min-w-0 break-words">{armWords(arm)}</span>
        </span>
        {usual ? (
          <span data-slot="usual" className="rounded border px-1.5 text-muted-foreground text-xs leading-5">
            the usual way
          </span>
        ) : null}
        {model === "" ? <span className="text-caution text-xs">nobody answers for it now</span> : null}
        <span className="ml-auto tabular-nums" data-slot="arm-share" title={shareWords(arm)}>
          <span className="font-medium">{percent(share)}</span>
          <span className="text-muted-foreground text-xs"> of tasks now</span>
        </span>
      </div>
      <div className="grid grid-cols-[minmax(0,1fr)_minmax(0,1fr)] items-center gap-x-6 gap-y-1">
        <span className="flex items-center gap-3">
          <span className="w-8 shrink-0 font-medium text-[13px] tabular-nums">{score(mean)}</span>
          <BeliefBar mean={mean} low={low} high={high} prior={prior} className="min-w-0 flex-1" />
        </span>
        <span aria-hidden className="h-1.5 overflow-hidden rounded-full bg-muted">
          <span
            className="ml-auto block h-full rounded-full bg-primary transition-[width] duration-150 motion-reduce:transition-none"
            style={{ width: `${100 * share}%` }}
          />
        </span>
      </div>
      <p className="flex flex-wrap items-baseline gap-x-4 gap-y-1 text-muted-foreground text-xs tabular-nums">
        <span>{facts.join(" · ")}</span>
        <Button
          variant="link"
          size="inline"
          data-slot="arm-why"
          className="ml-auto text-xs"
          onClick={() => go({ part: "records", item: formatPlace({ of: `arm:${id}`, context }) })}
        >
          Why this number
        </Button>
      </p>
      <p data-slot="arm-prior" className="text-pretty text-faint-foreground text-xs">
        {priorWords(arm)}
      </p>
    </li>
  );
}
