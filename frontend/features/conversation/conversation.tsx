"use client";

import { ArrowDown } from "lucide-react";
import { useEffect } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Composer } from "@/features/conversation/composer";
import { EmptyState } from "@/features/conversation/empty-state";
import { OutgoingView } from "@/features/conversation/outgoing-view";
import { Turn } from "@/features/conversation/turn";
import { useFollow } from "@/features/conversation/use-follow";
import { usePath, useTree, useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { plural } from "@/lib/format";
import { openThread } from "@/lib/location";
import { session } from "@/lib/session";

/** The open thread, or an invitation to begin one; and where one writes. */
export function Conversation() {
  const { thread } = useView();
  useEffect(() => session.follow(thread), [thread]);
  return <Transcript key={thread ?? "new"} threadId={thread} />;
}

function Transcript({ threadId }: { threadId: string | null }) {
  const { live, older, missing } = useTree(threadId ?? "");
  const { runs: path, outgoing } = usePath(threadId);
  // Of a thread that is gone, only what was not sent is still of use.
  const runs = missing ? [] : path;
  const follow = useFollow();
  const isEmpty = runs.length === 0 && outgoing.length === 0;
  return (
    <div
      data-slot="conversation"
      data-thread={threadId ?? undefined}
      className="flex min-h-0 flex-1 flex-col"
    >
      <div className="relative min-h-0 flex-1">
        <div
          ref={follow.scroller}
          tabIndex={0}
          role="log"
          aria-label="Conversation"
          className="absolute inset-0 overflow-y-auto overscroll-contain outline-none"
          style={{ overflowAnchor: "auto" }}
        >
          <div
            ref={follow.content}
            className="mx-auto flex min-h-full w-full max-w-[760px] flex-col px-4 sm:px-6"
          >
            {missing ? <Missing /> : null}
            {threadId === null && isEmpty ? <EmptyState /> : null}
            {threadId !== null && isEmpty && !live && !missing ? <Loading /> : null}
            {older > 0 && !missing ? (
              <p className="py-4 text-center text-faint-foreground text-xs">
                {plural(older, "older turn")} not shown
              </p>
            ) : null}
            {isEmpty ? null : (
              <div className="space-y-10 pt-6 pb-10">
                {threadId === null
                  ? null
                  : runs.map((runId) => (
                      <Turn key={runId} threadId={threadId} runId={runId} isLast={runId === runs.at(-1)} />
                    ))}
                {outgoing.map((turn) => (
                  <OutgoingView key={turn.command.key} turn={turn} />
                ))}
              </div>
            )}
          </div>
        </div>
        {follow.atEnd || isEmpty ? null : (
          <Button
            variant="outline"
            size="sm"
            data-slot="jump-to-latest"
            className="absolute bottom-3 left-1/2 -translate-x-1/2 animate-appear rounded-full bg-popover px-3 shadow-black/5 shadow-md"
            onClick={follow.toEnd}
          >
            <ArrowDown aria-hidden />
            Jump to latest
          </Button>
        )}
      </div>
      {missing ? null : <Composer threadId={threadId} leaf={runs.at(-1) ?? null} onSent={follow.toEnd} />}
    </div>
  );
}

function Missing() {
  return (
    <div data-slot="thread-missing" className="m-auto max-w-md py-16">
      <Problem
        facts={{
          code: "unknown_thread",
          message: "This chat is not here.",
          hint: "It was deleted, or the address is not quite right.",
        }}
      >
        <Button onClick={() => openThread(null)}>New chat</Button>
      </Problem>
    </div>
  );
}

/** Stands only when the server takes its time; a quick answer shows nothing first. */
function Loading() {
  const { phase, everOnline } = useStore(session.connection.state);
  if (phase !== "online" && !everOnline) return null;
  return (
    <div
      role="status"
      aria-label="Loading the chat"
      className="space-y-4 pt-8 opacity-0 [animation:appear_200ms_300ms_reverse_forwards]"
    >
      <div className="ml-auto h-9 w-2/5 rounded-xl bg-muted" />
      <div className="h-4 w-11/12 rounded bg-muted" />
      <div className="h-4 w-4/5 rounded bg-muted" />
    </div>
  );
}
