import { Send } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { StatusMark } from "@/features/health/status-mark";
import { factsOf } from "@/lib/api";
import { cn } from "@/lib/cn";
import { type AlertChannel, healthApi } from "@/lib/health-api";

const NAMES = { page: "This page", log: "The log", webhook: "Webhook", mail: "E-mail" } as const;

/** Whom alerts are told to, with a way to try each. */
export function ChannelList({ channels }: { channels: readonly AlertChannel[] }) {
  return (
    <section aria-label="Channels">
      <h2 className="border-b pb-2 text-muted-foreground text-xs">How you are told</h2>
      <ul data-slot="channels" className="divide-y border-b">
        {channels.map((channel) => (
          <ChannelRow key={channel.name} channel={channel} />
        ))}
      </ul>
    </section>
  );
}

function ChannelRow({ channel: { name, on, detail } }: { channel: AlertChannel }) {
  const [said, setSaid] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const test = async (): Promise<void> => {
    setBusy(true);
    try {
      setSaid((await healthApi.testChannel(name)).said);
    } catch (cause) {
      setSaid(factsOf(cause).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <li
      data-slot="channel"
      data-name={name}
      className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2.5 text-[13px] sm:flex-nowrap"
    >
      <p className="w-24 shrink-0">{NAMES[name]}</p>
      <div className="min-w-0 flex-1 max-sm:order-last max-sm:basis-full">
        <p className={cn("break-words text-muted-foreground", !on && "text-faint-foreground")}>
          {on ? detail || "on" : `off: ${detail}`}
        </p>
        {said === null ? null : (
          <p data-slot="channel-said" role="status" className="flex items-start gap-1.5 break-words pt-1">
            <StatusMark status={said === "ok" ? "ok" : "down"} className="mt-0.5 size-3.5" />
            {said === "ok" ? "The test has gone out." : said}
          </p>
        )}
      </div>
      {on ? (
        <Button
          size="sm"
          data-slot="test-channel"
          className="ml-auto max-sm:h-9"
          disabled={busy}
          onClick={() => void test()}
        >
          <Send aria-hidden className="!size-3.5" />
          {busy ? "Sending…" : "Test"}
        </Button>
      ) : null}
    </li>
  );
}
