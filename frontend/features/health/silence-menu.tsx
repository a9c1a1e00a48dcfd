import { BellOff, BellRing } from "lucide-react";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { useNow } from "@/hooks/use-now";
import { factsOf } from "@/lib/api";
import { type AlertRule, healthApi } from "@/lib/health-api";
import { alerts } from "@/lib/health-watch";
import { isSilenced, silenceChoices, untilWords } from "@/lib/health-words";
import { session } from "@/lib/session";

async function silence(name: string, minutes: number): Promise<void> {
  try {
    const changed = await healthApi.silence(name, minutes, "");
    alerts.change((value) => ({
      ...value,
      rules: value.rules.map((rule) => (rule.name === name ? changed : rule)),
    }));
  } catch (cause) {
    session.notices.error(factsOf(cause));
  }
}

/** For how long nothing is to be heard of a rule; or that it is to be heard again. */
export function SilenceMenu({ rule }: { rule: AlertRule }) {
  const now = useNow();
  if (isSilenced(rule.silencedUntil, now))
    return (
      <Button
        size="sm"
        data-slot="unsilence"
        className="max-sm:h-9"
        onClick={() => void silence(rule.name, 0)}
      >
        <BellRing aria-hidden className="!size-3.5" />
        Tell me again
      </Button>
    );
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button size="sm" data-slot="silence" className="max-sm:h-9">
          <BellOff aria-hidden className="!size-3.5" />
          Silence
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align="start" data-slot="silence-menu">
        <DropdownMenuLabel>It is watched on, and nobody is told</DropdownMenuLabel>
        {silenceChoices(now).map(({ label, minutes }) => (
          <DropdownMenuItem key={label} onSelect={() => void silence(rule.name, minutes)}>
            {label}
          </DropdownMenuItem>
        ))}
      </DropdownMenuContent>
    </DropdownMenu>
  );
}

/** That it is silenced, until when, and why. */
export function SilencedWords({ rule }: { rule: AlertRule }) {
  const now = useNow();
  if (!isSilenced(rule.silencedUntil, now)) return null;
  return (
    <p data-slot="silenced" className="break-words text-muted-foreground text-xs">
      <BellOff aria-hidden className="mr-1.5 mb-0.5 inline size-3.5" />
      Silenced until {untilWords(rule.silencedUntil, now)}
      {rule.silencedBy ? ` by ${rule.silencedBy}` : ""}
      {rule.silencedWhy ? `: ${rule.silencedWhy}` : ""}
    </p>
  );
}
