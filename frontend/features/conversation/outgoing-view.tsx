"use client";

import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { WorkingDot } from "@/components/ui/working-dot";
import { UserBubble } from "@/features/conversation/user-text";
import { useStore } from "@/hooks/use-store";
import { setDraft } from "@/lib/composer-state";
import { go } from "@/lib/location";
import type { OutgoingTurn } from "@/lib/outbox";
import { session } from "@/lib/session";

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
