import { ChartLine, HeartPulse } from "lucide-react";
import { HintText } from "@/components/hint-text";
import { Button } from "@/components/ui/button";
import { PARTS, partOf } from "@/features/health/parts";
import { SeverityMark } from "@/features/health/severity-mark";
import { SilencedWords, SilenceMenu } from "@/features/health/silence-menu";
import { useNow } from "@/hooks/use-now";
import { cn } from "@/lib/cn";
import { rangeSince } from "@/lib/dashboard-address";
import type { AlertRule } from "@/lib/health-api";
import { forWords, isDrawn, isSilenced, SEVERITY_WORDS, valueWords } from "@/lib/health-words";
import { go, parseView } from "@/lib/location";

/** An alert that fires: how bad it is, since when, by what value, what to do. */
export function AlertCard({ rule }: { rule: AlertRule }) {
  const now = useNow();
  const { severity, summary, hint, since } = rule;
  // Where there is more on it, as the server has it.
  const there = parseView(rule.link.slice(1));
  const silenced = isSilenced(rule.silencedUntil, now);
  return (
    <li
      data-slot="alert"
      data-rule={rule.name}
      data-severity={severity}
      className={cn(
        "flex gap-3 border-l-2 py-1 pl-4",
        silenced
          ? "border-input"
          : severity === "critical"
            ? "border-destructive"
            : severity === "warning"
              ? "border-caution"
              : "border-primary",
      )}
    >
      <SeverityMark severity={severity} muted={silenced} className="mt-0.5" />
      <div className="min-w-0 flex-1 space-y-1.5">
        <p className="break-words font-medium text-sm">{summary}</p>
        <p className="text-[13px] text-muted-foreground tabular-nums">
          {SEVERITY_WORDS[severity]} {forWords(since, now)} · {valueWords(rule)}
        </p>
        {hint ? (
          <p className="break-words text-[13px]">
            <HintText text={hint} />
          </p>
        ) : null}
        <SilencedWords rule={rule} />
        <div className="flex flex-wrap gap-2 pt-1">
          <SilenceMenu rule={rule} />
          {there.page === "health" ? (
            <Button
              size="sm"
              variant="ghost"
              data-slot="to-part"
              className="max-sm:h-9"
              onClick={() => go({ part: there.part })}
            >
              <HeartPulse aria-hidden className="!size-3.5" />
              {PARTS.find(({ id }) => id === partOf(there.part))?.label}
            </Button>
          ) : null}
          {isDrawn(rule.metric) ? (
            <Button
              size="sm"
              variant="ghost"
              data-slot="to-dashboard"
              className="max-sm:h-9"
              onClick={() =>
                go({ page: "dashboard", item: rule.metric, range: rangeSince(since, now / 1000), zoom: null })
              }
            >
              <ChartLine aria-hidden className="!size-3.5" />
              On the dashboard
            </Button>
          ) : null}
        </div>
      </div>
    </li>
  );
}
