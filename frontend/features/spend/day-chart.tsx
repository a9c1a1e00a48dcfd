"use client";

import { useState } from "react";
import { Button } from "@/components/ui/button";
import type { DaySpend } from "@/lib/api";
import { cn } from "@/lib/cn";
import { compact, count, money, plural } from "@/lib/format";
import { dayOf, dayWords, lastDays } from "@/lib/spend";

type Shown = "tokens" | "money";

/** The last thirty days, a bar for each: tokens read and written, or what they cost. */
export function DayChart({ days }: { days: readonly DaySpend[] }) {
  const priced = days.some((day) => day.money > 0);
  const [chosen, setChosen] = useState<Shown>("tokens");
  const shown = priced ? chosen : "tokens";
  const bars = lastDays(days, dayOf(Date.now()));
  const most = Math.max(...bars.map((day) => sizeOf(day, shown)));
  const saved = bars.reduce((sum, day) => sum + day.savedTokens, 0);
  const calls = bars.reduce((sum, day) => sum + day.calls, 0);
  return (
    <section data-slot="day-chart" aria-label="Last 30 days" className="space-y-3">
      <div className="flex items-center justify-between gap-3">
        <h3 className="font-medium">Last 30 days</h3>
        {priced ? (
          <div role="group" aria-label="What the bars show" className="flex gap-1">
            {(["tokens", "money"] as const).map((each) => (
              <Button
                key={each}
                size="sm"
                variant="ghost"
                aria-pressed={shown === each}
                className={cn("font-normal", shown === each && "bg-accent text-foreground")}
                onClick={() => setChosen(each)}
              >
                {each === "tokens" ? "Tokens" : "Money"}
              </Button>
            ))}
          </div>
        ) : null}
      </div>
      <div
        aria-hidden
        className="grid grid-cols-[1fr_auto] gap-x-2 text-faint-foreground text-xs tabular-nums"
      >
        <div className="flex h-24 items-end gap-[2px] border-b">
          {bars.map((day) => (
            <Bar key={day.day} day={day} most={most} shown={shown} />
          ))}
        </div>
        <div className="flex min-w-10 flex-col justify-between">
          <span>{most === 0 ? "" : shown === "money" ? money(most) : compact(most)}</span>
          <span>0</span>
        </div>
        <div className="flex justify-between pt-1">
          <span>{dayWords(bars[0]?.day ?? "")}</span>
          <span>{dayWords(bars.at(-1)?.day ?? "")}</span>
        </div>
      </div>
      <p className="flex flex-wrap gap-x-4 gap-y-1 text-muted-foreground text-xs tabular-nums">
        {shown === "tokens" ? (
          <>
            <Key className="bg-series-1">read</Key>
            <Key className="bg-series-2">written</Key>
          </>
        ) : null}
        <span>{plural(calls, "model call")}</span>
        {saved > 0 ? <span>{plural(saved, "token")} saved by the cache</span> : null}
      </p>
      <DayTable days={bars} />
    </section>
  );
}

function sizeOf(day: DaySpend, shown: Shown): number {
  return shown === "money" ? day.money : day.inputTokens + day.outputTokens;
}

function Bar({ day, most, shown }: { day: DaySpend; most: number; shown: Shown }) {
  const size = sizeOf(day, shown);
  const height = most === 0 ? 0 : size / most;
  const written = size === 0 ? 0 : day.outputTokens / size;
  const words = [
    dayWords(day.day),
    `${count(day.inputTokens)} read, ${count(day.outputTokens)} written`,
    ...(day.money > 0 ? [money(day.money)] : []),
    plural(day.calls, "call"),
  ].join(" · ");
  return (
    <div
      data-slot="day"
      data-day={day.day}
      data-tip={words}
      className="group/day flex h-full flex-1 items-end"
    >
      <div
        className="flex w-full flex-col overflow-hidden rounded-t-[2px] group-hover/day:brightness-90 dark:group-hover/day:brightness-115"
        style={{ height: size === 0 ? 0 : `max(2px, ${height * 100}%)` }}
      >
        {shown === "tokens" ? <div className="bg-series-2" style={{ height: `${written * 100}%` }} /> : null}
        <div className="min-h-0 flex-1 bg-series-1" />
      </div>
    </div>
  );
}

function Key({ className, children }: { className: string; children: string }) {
  return (
    <span className="flex items-center gap-1.5">
      <span aria-hidden className={cn("size-2 rounded-[2px]", className)} />
      {children}
    </span>
  );
}

/** The same for who does not see the bars; days without use are not read out. */
function DayTable({ days }: { days: readonly DaySpend[] }) {
  return (
    <table className="sr-only">
      <caption>Use by day</caption>
      <thead>
        <tr>
          <th scope="col">Day</th>
          <th scope="col">Tokens read</th>
          <th scope="col">Tokens written</th>
          <th scope="col">Money</th>
          <th scope="col">Calls</th>
        </tr>
      </thead>
      <tbody>
        {days
          .filter(({ calls }) => calls > 0)
          .map((day) => (
            <tr key={day.day}>
              <th scope="row">{dayWords(day.day)}</th>
              <td>{count(day.inputTokens)}</td>
              <td>{count(day.outputTokens)}</td>
              <td>{money(day.money)}</td>
              <td>{count(day.calls)}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}
