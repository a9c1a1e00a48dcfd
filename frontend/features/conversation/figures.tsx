"use client";

import { memo } from "react";
import { openRecalled } from "@/features/conversation/source-line";
import { useStore } from "@/hooks/use-store";
import { triedWords } from "@/lib/failover-words";
import { count, duration, money, plural, rate, shortDuration } from "@/lib/format";
import { shortModel } from "@/lib/model-list";
import { MAIN } from "@/lib/protocol";
import { memoriesOf } from "@/lib/recall-state";
import type { MessageState, RunState } from "@/lib/run-state";
import { session } from "@/lib/session";
import { quarterSeconds } from "@/lib/ticker";

/** Tokens per second after the first token; `null` when there is too little to tell. */
export function finalRate(message: MessageState): number | null {
  const tokens = message.end?.usage.output_tokens ?? 0;
  const { total_ms = 0, first_token_ms = 0 } = message.end?.timing ?? {};
  const writing = total_ms - first_token_ms;
  return tokens > 1 && writing > 0 ? ((tokens - 1) * 1000) / writing : null;
}

/** The quiet figures of a finished answer. */
export function Figures({ run }: { run: RunState }) {
  const message = run.message;
  if (run.tasks.size > 1) return <PlanFigures run={run} />;
  if (message === null || message.end === null) return null;
  const { usage, timing } = message.end;
  // How fast a cache is, says nothing about the model.
  const fromCache = Boolean(message.end.cache);
  const perSecond = fromCache ? null : finalRate(message);
  const about = usage.estimated ? "≈ " : "";
  const cached = usage.cached_tokens ?? 0;
  const { cost = 0, endpoint = "", tried = [] } = message.end;
  return (
    <dl data-slot="figures" className="flex flex-wrap items-center gap-x-3 gap-y-1 tabular-nums">
      {timing.first_token_ms && !fromCache ? (
        <Figure
          slot="first-token"
          name="First token"
          value={duration(timing.first_token_ms)}
          unit="first token"
        />
      ) : null}
      {perSecond === null ? null : (
        <Figure slot="rate" name="Speed" value={rate(perSecond)} unit="tokens/s" />
      )}
      <Figure
        slot="tokens"
        name="Tokens"
        value={`${about}${count(usage.input_tokens ?? 0)} in${readBefore(cached)} · ${about}${count(usage.output_tokens ?? 0)} out`}
        tip={cached > 0 ? READ_BEFORE : undefined}
      />
      {cost > 0 ? <Figure slot="cost" name="Cost" value={money(cost)} /> : null}
      <Figure
        slot="model"
        name="Model"
        value={`${shortModel(message.start.model)}${endpoint === "" ? "" : ` at ${endpoint}`}`}
      />
      <MemoriesFigure run={run} />
      {tried.length > 0 ? <Figure slot="tried" name="Asked before" value={triedWords(tried) ?? ""} /> : null}
    </dl>
  );
}

/** Of a planned run: of all its model calls together, from the question to the end. */
function PlanFigures({ run }: { run: RunState }) {
  let [input, cached, output, cost] = [0, 0, 0, 0];
  let [hits, saved] = [0, 0];
  let estimated = false;
  for (const { end } of run.messages.values()) {
    if (end === null) continue;
    input += end.usage.input_tokens ?? 0;
    cached += end.usage.cached_tokens ?? 0;
    output += end.usage.output_tokens ?? 0;
    cost += end.cost ?? 0;
    estimated ||= end.usage.estimated ?? false;
    if (!end.cache) continue;
    hits++;
    saved += (end.cache.saved_input_tokens ?? 0) + (end.cache.saved_output_tokens ?? 0);
  }
  const about = estimated ? "≈ " : "";
  const ended = run.tasks.get(MAIN)?.endedAt ?? null;
  return (
    <dl data-slot="figures" className="flex flex-wrap items-center gap-x-3 gap-y-1 tabular-nums">
      {ended === null ? null : (
        <Figure slot="total" name="Time" value={shortDuration(ended - run.startedAt)} unit="in all" />
      )}
      <Figure slot="calls" name="Model calls" value={plural(run.messages.size, "model call")} />
      <Figure
        slot="tokens"
        name="Tokens"
        value={`${about}${count(input)} in${readBefore(cached)} · ${about}${count(output)} out`}
        tip={cached > 0 ? READ_BEFORE : undefined}
      />
      {cost > 0 ? <Figure slot="cost" name="Cost" value={money(cost)} /> : null}
      <MemoriesFigure run={run} />
      {hits > 0 ? (
        <Figure
          slot="hits"
          name="From the cache"
          value={`${hits} from cache · saved ${plural(saved, "token")}`}
        />
      ) : null}
    </dl>
  );
}

/** Leads to which they were, and why these. */
function MemoriesFigure({ run: { id, recalls } }: { run: RunState }) {
  const memories = memoriesOf(recalls).length;
  if (memories === 0) return null;
  return (
    <div data-slot="figure-memories">
      <dt className="sr-only">Memories</dt>
      <dd>
        <button
          type="button"
          data-slot="open-recalled"
          className="underline decoration-dotted underline-offset-3 hover:text-foreground"
          onClick={() => openRecalled(id)}
        >
          {plural(memories, "memory", "memories")}
        </button>
      </dd>
    </div>
  );
}

/** Not to be taken for the cache of answers: of these tokens the model still wrote its own. */
const READ_BEFORE = "The model server had read that part of the prompt already, so it did not read it again";

function readBefore(tokens: number): string {
  return tokens > 0 ? ` (${count(tokens)} read before)` : "";
}

interface FigureProps {
  slot: string;
  name: string;
  value: string;
  unit?: string;
  tip?: string;
}

function Figure({ slot, name, value, unit, tip }: FigureProps) {
  return (
    <div data-slot={`figure-${slot}`} data-tip={tip}>
      <dt className="sr-only">{name}</dt>
      <dd className="max-w-72 truncate">
        {value}
        {unit === undefined ? null : ` ${unit}`}
      </dd>
    </div>
  );
}

/** More code points per token than this, and some of the text came in one piece: its tokens were not counted. */
const MOST_POINTS_PER_TOKEN = 16;

/** Figures of an answer that is being written, four times a second; the text itself does not wait for them. */
export const LiveFigures = memo(function LiveFigures({
  threadId,
  runId,
}: {
  threadId: string;
  runId: string;
}) {
  useStore(quarterSeconds);
  const message = session.thread(threadId).get().runs.get(runId)?.message;
  if (!message || message.tokens === 0) return null;
  const counted = message.n + message.reasoningN <= message.tokens * MOST_POINTS_PER_TOKEN;
  const seconds = (message.lastAt - message.firstAt) / 1000;
  return (
    <span data-slot="live-figures" className="tabular-nums">
      {seconds > 0.2 ? `${rate((message.tokens - 1) / seconds)} tokens/s` : ""}
      {counted ? `${seconds > 0.2 ? " · " : ""}${count(message.tokens)} out` : ""}
    </span>
  );
});
