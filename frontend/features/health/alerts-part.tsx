import { CircleCheck } from "lucide-react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { AlertCard } from "@/features/health/alert-card";
import { AlertHistory } from "@/features/health/alert-history";
import { ChannelList } from "@/features/health/channel-list";
import { RuleRow } from "@/features/health/rule-row";
import { useStore } from "@/hooks/use-store";
import { plural } from "@/lib/format";
import { alerts } from "@/lib/health-watch";
import { rulesInOrder } from "@/lib/health-words";

/** What fires, what could, whom it is told to, and what it was before. */
export function AlertsPart() {
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
  const firing = rules.filter(({ state }) => state === "firing");
  return (
    <>
      {error === null ? null : <Problem facts={error} />}
      {value.problems.map((problem) => (
        <Problem
          key={problem}
          facts={{ code: "alert_rules", message: problem, hint: "The rest of the file of rules holds." }}
        />
      ))}
      <section aria-label="Firing now" className="space-y-3">
        {firing.length === 0 ? (
          <p
            data-slot="nothing-fires"
            role="status"
            className="flex min-h-8 items-center gap-2.5 text-[15px]"
          >
            <CircleCheck aria-hidden className="size-5 text-good" />
            Nothing fires.
          </p>
        ) : (
          <>
            <h2 className="text-[15px]">{plural(firing.length, "alert")} firing</h2>
            <ul className="space-y-3">
              {firing.map((rule) => (
                <AlertCard key={rule.name} rule={rule} />
              ))}
            </ul>
          </>
        )}
      </section>
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
