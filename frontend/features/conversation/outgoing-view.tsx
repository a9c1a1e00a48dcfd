"use client";

import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { WorkingDot } from "@/components/ui/working-dot";
import { UserBubble } from "@/features/conversation/user-text";
import { useStore } from "@/hooks/use-store";
import { setDraft } from "@/lib/composer-state";
import { againWords } from "@/lib/limits";
import { go } from "@/lib/location";
import type { OutgoingTurn } from "@/lib/outbox";
import { session } from "@/lib/session";
import { quarterSeconds } from "@/lib/ticker";

/** It met a limit, and goes out again by itself. */
function HeldBack({ turn, onCancel }: { turn: OutgoingTurn; onCancel: () => void }) {
  const now = useStore(quarterSeconds) || Date.now();
  return (
    <div
      data-slot="held-back"
      className="flex flex-wrap items-center gap-x-3 gap-y-2 text-muted-foreground text-sm"
    >
      <p role="timer" className="tabular-nums">
        {againWords((turn.retryAt ?? 0) - now)}
      </p>
      <div className="flex gap-x-3">
        <Button size="sm" data-slot="send-now" onClick={() => session.sendNow(turn)}>
          Send now
        </Button>
        <Button size="sm" variant="ghost" data-slot="cancel-send" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </div>
  );
}

/** A turn on its way to the server. It looks as it will look. */
export function OutgoingView({ turn }: { turn: OutgoingTurn }) {
  const { phase } = useStore(session.connection.state);
  const { key } = turn.command;
  const takeBack = (): void => {
    session.outbox.remove(key);
    setDraft(turn.threadId, turn.text);
  };
  return (
    <article data-slot="outgoing" data-refused={turn.refused?.code} className="space-y-2">
      <div className="flex flex-col items-end gap-1">
        <UserBubble text={turn.text} />
        <div className="flex h-7 items-center text-faint-foreground text-xs">
          {turn.refused === null && phase !== "online" ? "Will be sent when the connection is back" : null}
        </div>
      </div>
      {turn.refused === null ? (
        <p role="status" className="flex h-6 items-center gap-2.5 text-muted-foreground text-sm">
          {phase === "online" ? (
            <>
              <WorkingDot aria-hidden />
              Sending
            </>
          ) : null}
        </p>
      ) : turn.retryAt ? (
        <HeldBack turn={turn} onCancel={takeBack} />
      ) : (
        <Problem facts={turn.refused}>
          <Button size="sm" onClick={() => session.sendAgain(turn)}>
            Send again
          </Button>
          {turn.refused.code === "budget_spent" ? (
            <Button size="sm" data-slot="open-budgets" onClick={() => go({ dialog: "spend" })}>
              Look at the budgets
            </Button>
          ) : null}
          <Button size="sm" variant="ghost" onClick={takeBack}>
            Back to the text field
          </Button>
        </Problem>
      )}
    </article>
  );
}
