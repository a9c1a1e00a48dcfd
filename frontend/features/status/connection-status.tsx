"use client";

import { Button } from "@/components/ui/button";
import { usePart, useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { againIn, heldUntil } from "@/lib/limits";
import { session } from "@/lib/session";
import { quarterSeconds } from "@/lib/ticker";

/** Silent while all is well; else a dot, a few words and a way to try at once. */
export function ConnectionStatus() {
  const { phase, everOnline, failures } = useStore(session.connection.state);
  const isHeld = usePart(heldUntil, (until) => until > 0);
  const quiet = phase === "online" || phase === "closed" || (phase === "connecting" && failures === 0);
  return (
    <div
      data-slot="connection"
      data-phase={phase}
      role="status"
      className="flex h-8 min-w-0 items-center gap-2 text-[13px] text-muted-foreground"
    >
      {isHeld ? <Held /> : null}
      {quiet ? null : (
        <>
          <span
            aria-hidden
            className={cn(
              "size-2 shrink-0 rounded-full",
              phase === "mismatch" ? "bg-destructive" : "animate-breathe bg-caution",
            )}
          />
          {phase === "mismatch" ? <Mismatch /> : null}
          {phase === "connecting" ? <span>{everOnline ? "Reconnecting…" : "Connecting…"}</span> : null}
          {phase === "waiting" ? <Waiting /> : null}
        </>
      )}
    </div>
  );
}

function Waiting() {
  const now = useStore(quarterSeconds);
  const { retryAt, everOnline } = useStore(session.connection.state);
  const seconds = Math.max(1, Math.ceil((retryAt - (now || Date.now())) / 1000));
  return (
    <>
      <span className="truncate tabular-nums">
        {everOnline ? "Reconnecting" : "Server not reachable, next try"} in {seconds} s
      </span>
      <Button variant="link" size="inline" data-slot="try-now" onClick={() => session.connection.connect()}>
        Try now
      </Button>
    </>
  );
}

/** What was asked for too fast is asked for again by itself. */
function Held() {
  const now = useStore(quarterSeconds) || Date.now();
  return (
    <span data-slot="held" className="truncate tabular-nums">
      Asked too fast for this server: {againIn(useStore(heldUntil) - now)}
    </span>
  );
}

function Mismatch() {
  return (
    <>
      <span className="truncate">This page and the server are of different versions.</span>
      <Button variant="link" size="inline" data-slot="reload" onClick={() => window.location.reload()}>
        Reload
      </Button>
    </>
  );
}
