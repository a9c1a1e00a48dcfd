import { ChevronRight } from "lucide-react";
import { HintText } from "@/components/hint-text";
import { SilencedWords, SilenceMenu } from "@/features/health/silence-menu";
import { useNow } from "@/hooks/use-now";
import { cn } from "@/lib/cn";
import type { AlertRule } from "@/lib/health-api";
import { forWords, isSilenced, ruleWords, SEVERITY_WORDS, valueWords } from "@/lib/health-words";

const STATES = { ok: "Quiet", pending: "About to fire", firing: "Firing" } as const;

/** A rule: what it watches and how that is; opened, when it fires and when that ends. */
export function RuleRow({ rule }: { rule: AlertRule }) {
  const now = useNow();
  const { name, summary, severity, state, since, own, problem, channels } = rule;
  const silenced = isSilenced(rule.silencedUntil, now);
  return (
    <li data-slot="rule" data-name={name} data-state={state}>
      <details className="group">
        <summary className="grid cursor-pointer list-none grid-cols-[14px_1fr_auto] items-baseline gap-x-2.5 py-2.5 text-[13px] hover:bg-accent/40 [&::-webkit-details-marker]:hidden">
          <ChevronRight
            aria-hidden
            className="size-3.5 translate-y-0.5 text-faint-foreground transition-transform group-open:rotate-90"
          />
          <span className="min-w-0 break-words">
            {summary}
            {own ? <Chip>yours</Chip> : null}
            {problem ? <Chip tone="bad">cannot be used</Chip> : null}
          </span>
          <span
            className={cn(
              "whitespace-nowrap text-faint-foreground text-xs",
              state === "pending" && !silenced && "text-caution",
              state === "firing" && !silenced && "font-medium text-destructive",
            )}
          >
            {silenced ? `Silenced${state === "ok" ? "" : `, ${STATES[state].toLowerCase()}`}` : STATES[state]}
            {state === "ok" ? "" : ` ${forWords(since, now)}`}
          </span>
        </summary>
        <div className="space-y-2 pb-4 pl-6 text-[13px] text-muted-foreground">
          {problem ? (
            <p data-slot="rule-problem" className="break-words text-destructive">
              {problem}
            </p>
          ) : null}
          <p>
            {ruleWords(rule)} <span className="whitespace-nowrap tabular-nums">({valueWords(rule)})</span>
          </p>
          {rule.hint ? (
            <p className="break-words">
              <HintText text={rule.hint} />
            </p>
          ) : null}
          <p className="text-xs">
            {SEVERITY_WORDS[severity]} · told by {channels.length === 0 ? "nothing" : channels.join(", ")} ·{" "}
            <code className="font-mono">{name}</code>
          </p>
          <SilencedWords rule={rule} />
          <SilenceMenu rule={rule} />
        </div>
      </details>
    </li>
  );
}

function Chip({ tone = "plain", children }: { tone?: "plain" | "bad"; children: string }) {
  return (
    <span
      className={cn(
        "ml-2 whitespace-nowrap rounded bg-muted px-1.5 py-px text-[11px] text-muted-foreground",
        tone === "bad" && "bg-destructive-tint text-destructive",
      )}
    >
      {children}
    </span>
  );
}
