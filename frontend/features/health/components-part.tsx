import { RefreshCw } from "lucide-react";
import { HintText } from "@/components/hint-text";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { StatusMark } from "@/features/health/status-mark";
import { useNow } from "@/hooks/use-now";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { type HealthComponent, healthApi } from "@/lib/health-api";
import { health } from "@/lib/health-watch";
import { forWords, healthSummary, STATUS_WORDS, worstFirst } from "@/lib/health-words";

function checkNow(): void {
  void health.load((signal) => healthApi.health(true, signal));
}

/** Every part of Alma: how it is, since when, and what to do. */
export function ComponentsPart() {
  const { value, error, loading } = useStore(health.state);
  return (
    <section aria-label="Components" className="space-y-4">
      <div className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-2">
        {value === null ? null : (
          <p
            data-slot="health-summary"
            data-status={value.status}
            role="status"
            className="flex flex-1 items-center gap-2.5 text-[15px]"
          >
            <StatusMark status={value.status} className="size-5" />
            {healthSummary(value)}
          </p>
        )}
        <Button size="sm" data-slot="check-now" className="ml-auto max-sm:h-9" onClick={checkNow}>
          <RefreshCw aria-hidden className="!size-3.5" />
          Check now
        </Button>
      </div>
      {error === null ? null : <Problem facts={error} />}
      {value === null ? (
        error === null && loading ? (
          <p className="text-faint-foreground text-sm">Looking…</p>
        ) : null
      ) : (
        <ul data-slot="components" className="divide-y border-y">
          {worstFirst(value.components).map((component) => (
            <ComponentRow key={component.name} component={component} />
          ))}
        </ul>
      )}
    </section>
  );
}

function ComponentRow({ component: { name, status, detail, hint, since } }: { component: HealthComponent }) {
  const now = useNow();
  return (
    <li
      data-slot="component"
      data-name={name}
      data-status={status}
      className="grid grid-cols-[20px_1fr] items-start gap-x-3 py-3 text-[13px] sm:grid-cols-[20px_180px_1fr_auto]"
    >
      <StatusMark status={status} className="mt-0.5" />
      <p className="font-medium first-letter:uppercase">{name}</p>
      <div className="min-w-0 space-y-1 max-sm:order-last max-sm:col-start-2">
        {detail ? (
          <p className={cn("break-words", status === "ok" && "text-muted-foreground")}>{detail}</p>
        ) : null}
        {hint && status !== "ok" ? (
          <p data-slot="component-hint" className="break-words text-muted-foreground">
            <HintText text={hint} />
          </p>
        ) : null}
      </div>
      <p className="whitespace-nowrap text-faint-foreground text-xs leading-5 tabular-nums max-sm:col-start-2">
        <span
          className={cn(status === "degraded" && "text-caution", status === "down" && "text-destructive")}
        >
          {STATUS_WORDS[status]}
        </span>{" "}
        {forWords(since, now)}
      </p>
    </li>
  );
}
