"use client";

import { useEffect, useRef, useState } from "react";
import { ConfirmButton } from "@/components/confirm-button";
import { Problem } from "@/components/problem";
import { useTask } from "@/hooks/use-task";
import { api, type CacheChange, type CacheReport, factsOf } from "@/lib/api";
import { thresholdWords } from "@/lib/cache-words";
import { bytes, count, money, percent, plural, shortDuration } from "@/lib/format";
import type { ErrorFacts } from "@/lib/protocol";

/** Answers that are kept to be given again: whether, how alike a question must be, and what it has saved. */
export function CachePart() {
  const [report, setReport] = useState<CacheReport | null>(null);
  const [refusal, setProblem] = useState<ErrorFacts | null>(null);
  const { busy, problem: failed, run } = useTask();
  const problem = refusal ?? failed;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once, when shown
  useEffect(() => void run(async () => setReport(await api.cache())), []);
  // What is pressed moves at once; what the server says counts when nothing else was pressed meanwhile.
  const sending = useRef(false);
  const waiting = useRef<CacheChange | null>(null);
  const send = async (part: CacheChange, before: CacheReport | null): Promise<void> => {
    sending.current = true;
    try {
      let after = await api.setCache(part);
      while (waiting.current !== null) {
        const next = waiting.current;
        waiting.current = null;
        after = await api.setCache(next);
      }
      setReport(after);
    } catch (cause) {
      waiting.current = null;
      setReport(before);
      setProblem(factsOf(cause));
    } finally {
      sending.current = false;
    }
  };
  const change = (part: CacheChange): void => {
    if (report !== null) setReport({ ...report, ...part } as CacheReport);
    setProblem(null);
    if (sending.current) waiting.current = { ...waiting.current, ...part };
    else void send(part, report);
  };
  const clear = (): void => void run(async () => setReport(await api.clearCache()));
  return (
    <div data-slot="cache-settings" className="space-y-5 text-[13px]">
      {problem === null ? null : <Problem facts={problem} />}
      {report === null ? (
        problem === null ? (
          <p className="text-faint-foreground">Loading…</p>
        ) : null
      ) : (
        <>
          <div className="space-y-4">
            <Switch
              name="exact"
              label="The very same request"
              what="Same model, prompt and settings: the answer of before is given again, at once."
              checked={report.exact}
              disabled={busy}
              onChange={(exact) => change({ exact })}
            />
            <Switch
              name="semantic"
              label="A question that means the same"
              what="Same role and context, other words. The answer says which question it was made for."
              checked={report.semantic}
              disabled={busy}
              onChange={(semantic) => change({ semantic })}
            />
            {report.semantic ? (
              <Threshold value={report.threshold} onChange={(threshold) => change({ threshold })} />
            ) : null}
          </div>
          <Kept report={report} />
          <ConfirmButton
            size="sm"
            data-slot="clear-cache"
            question={`Forget ${plural(report.entries, "answer")}?`}
            confirm="Forget"
            disabled={busy || report.entries === 0}
            onConfirm={clear}
          >
            Clear the cache
          </ConfirmButton>
        </>
      )}
    </div>
  );
}

interface SwitchProps {
  name: string;
  label: string;
  what: string;
  checked: boolean;
  disabled: boolean;
  onChange: (checked: boolean) => void;
}

function Switch({ name, label, what, checked, disabled, onChange }: SwitchProps) {
  return (
    <label className="flex items-start gap-3">
      <input
        type="checkbox"
        role="switch"
        data-slot={`cache-${name}`}
        aria-checked={checked}
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
        className="mt-0.5 size-4 shrink-0 accent-primary"
      />
      <span>
        <span className="block">{label}</span>
        <span className="block text-muted-foreground text-xs">{what}</span>
      </span>
    </label>
  );
}

/** Said while it is moved, set when it is let go. */
function Threshold({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  const [moved, setMoved] = useState<number | null>(null);
  const shown = moved ?? value;
  const set = (): void => {
    if (moved !== null && moved !== value) onChange(moved);
    setMoved(null);
  };
  return (
    <div className="space-y-1 pl-7">
      <label className="flex items-center gap-3">
        <span className="whitespace-nowrap text-muted-foreground">How alike</span>
        <input
          type="range"
          data-slot="cache-threshold"
          min={0.7}
          max={1}
          step={0.01}
          value={shown}
          aria-valuetext={`${shown.toFixed(2)}: ${thresholdWords(shown)}`}
          onChange={(event) => setMoved(Number(event.target.value))}
          onPointerUp={set}
          onKeyUp={set}
          onBlur={set}
          className="min-w-0 flex-1 accent-primary"
        />
        <span className="w-9 text-right tabular-nums">{shown.toFixed(2)}</span>
      </label>
      <p data-slot="threshold-words" className="text-muted-foreground text-xs">
        {thresholdWords(shown)}
      </p>
    </div>
  );
}

function Kept({ report }: { report: CacheReport }) {
  const { entries, maxBytes, hits, misses, savedTokens, savedMs, savedCost, ttlHours } = report;
  const asked = hits + misses;
  const days = ttlHours / 24;
  const kept = days >= 2 ? plural(Math.round(days), "day") : plural(Math.round(ttlHours), "hour");
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-3 border-y py-3 tabular-nums sm:grid-cols-4">
      <Figure name="Kept" value={plural(entries, "answer")}>
        {bytes(report.bytes)} of {bytes(maxBytes)}, for {kept}
      </Figure>
      <Figure name="Given again" value={count(hits)}>
        {asked === 0 ? "nothing asked yet" : `${percent(hits / asked)} of ${count(asked)}`}
      </Figure>
      <Figure name="Tokens saved" value={count(savedTokens)} />
      <Figure name="Time saved" value={shortDuration(savedMs)}>
        {savedCost > 0 ? `and ${money(savedCost)}` : null}
      </Figure>
    </dl>
  );
}

function Figure({ name, value, children }: { name: string; value: string; children?: React.ReactNode }) {
  return (
    <div>
      <dt className="text-faint-foreground text-xs">{name}</dt>
      <dd>{value}</dd>
      {children ? <dd className="text-faint-foreground text-xs">{children}</dd> : null}
    </div>
  );
}
