import { CircleCheck } from "lucide-react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { AlertCard } from "@/features/health/alert-card";
import { AlertHistory } from "@/features/health/alert-history";
import { ChannelList } from "@/features/health/channel-list";
import { RuleRow } from "@/features/health/rule-row";
import { useNow } from "@/hooks/use-now";
import { useStore } from "@/hooks/use-store";
import { plural } from "@/lib/format";
import type { AlertRule } from "@/lib/health-api";
import { alerts } from "@/lib/health-watch";
import { firingOf, rulesInOrder } from "@/lib/health-words";

const MEND = "Mend it there: the file is read again when it is saved. All else in it holds.";

/** What fires, what could, whom it is told to, and what it was before. */
export function AlertsPart() {
  const now = useNow();
  const { value, error, loading } = useStore(alerts.state);
  if (value === null)
    return error === null ? (
      loading ? (
        <p className="text-faint-foreground text-sm">Looking…</p>
      ) : null
    ) : (
      <Problem facts={error}>
        <Button size="sm" onClick={() => void alerts.load()}>
          Try again
        </Button>
      </Problem>
    );
  const rules = rulesInOrder(value.rules);
  const { loud, silenced } = firingOf(value.rules, now);
  return (
    <>
      {error === null ? null : <Problem facts={error} />}
      {value.problems.map((message, number) => (
        <Problem
          key={message}
          facts={{
            code: "alert_rules",
            message,
            hint: number + 1 === value.problems.length ? MEND : undefined,
          }}
        />
      ))}
      <section aria-label="Firing now" className="space-y-3">
        {loud.length === 0 ? (
          <p
            data-slot="nothing-fires"
            role="status"
            className="flex min-h-8 items-center gap-2.5 text-[15px]"
          >
            <CircleCheck aria-hidden className="size-5 text-good" />
            {silenced.length === 0 ? "Nothing fires." : "Nothing fires but what is silenced."}
          </p>
        ) : (
          <Cards title={`${plural(loud.length, "alert")} firing`} rules={loud} />
        )}
      </section>
      {silenced.length === 0 ? null : (
        <section aria-label="Silenced" className="space-y-3">
          <Cards title={`${plural(silenced.length, "alert")} silenced`} rules={silenced} />
        </section>
      )}
      <section aria-label="Rules">
        <h2 className="border-b pb-2 text-muted-foreground text-xs">{plural(rules.length, "rule")}</h2>
        <ul data-slot="rules" className="divide-y border-b">
          {rules.map((rule) => (
            <RuleRow key={rule.name} rule={rule} />
          ))}
        </ul>
      </section>
      <ChannelList channels={value.channels} />
      <AlertHistory history={value.history} />
    </>
  );
}

function Cards({ title, rules }: { title: string; rules: readonly AlertRule[] }) {
  return (
    <>
      <h2 className="text-[15px]">{title}</h2>
      <ul className="space-y-3">
        {rules.map((rule) => (
          <AlertCard key={rule.name} rule={rule} />
        ))}
      </ul>
    </>
  );
}
