"use client";

import { CircleHelp, Pause, Play, RotateCcw, Square } from "lucide-react";
import { CopyButton } from "@/components/copy-button";
import { KindIcon } from "@/components/kind-icon";
import { lazily } from "@/components/lazily";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { Tooltip } from "@/components/ui/tooltip";
import { CacheMark } from "@/features/conversation/cache-mark";
import { Figures, LiveFigures } from "@/features/conversation/figures";
import { KindChip } from "@/features/conversation/kind-chip";
import { useOnline } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { KIND_LABEL } from "@/lib/format";
import { isSaid } from "@/lib/learned-state";
import { go } from "@/lib/location";
import { modelLabel } from "@/lib/model-list";
import { KINDS } from "@/lib/protocol";
import type { RunState } from "@/lib/run-state";
import { session } from "@/lib/session";

const loadFeedback = () => import("@/features/conversation/answer-feedback");
const AnswerFeedback = lazily(() => loadFeedback().then((module) => module.AnswerFeedback));

interface AnswerFooterProps {
  threadId: string;
  run: RunState;
  working: boolean;
  isLast: boolean;
}

/** Under an answer: what can be done with it, its kind, and its figures. */
export function AnswerFooter({ threadId, run, working, isLast }: AnswerFooterProps) {
  const online = useOnline();
  const hit = working ? null : run.message?.end?.cache;
  return (
    <footer className="flex flex-wrap items-center gap-x-3 gap-y-1 text-faint-foreground text-xs">
      {working && online ? <StopRun run={run} /> : null}
      {working && online && (run.paused || run.tasks.size > 1) ? <PauseRun run={run} /> : null}
      {run.route === null ? null : <KindChip threadId={threadId} run={run} route={run.route} />}
      {working && !online ? (
        <span data-slot="run-waits">Goes on, or begins again, when the connection is back</span>
      ) : null}
      {working && online ? <LiveFigures threadId={threadId} runId={run.id} /> : null}
      {working ? null : <Figures run={run} />}
      {working ? null : (
        <div
          className={cn(
            "-mr-1.5 ml-auto flex items-center transition-opacity",
            !isLast &&
              !isSaid(run.signals) &&
              "opacity-0 focus-within:opacity-100 group-hover/turn:opacity-100 pointer-coarse:opacity-100",
          )}
        >
          {run.message?.text ? (
            <>
              <AnswerFeedback threadId={threadId} run={run} />
              <CopyButton
                text={() => run.message?.text ?? ""}
                label="Copy answer"
                onCopied={() => void loadFeedback().then(({ copied }) => copied(run.id))}
              />
            </>
          ) : null}
          <RetryMenu threadId={threadId} run={run} />
          <Tooltip label="Why this answer">
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label="Why this answer"
              data-slot="inspect"
              onClick={() => go({ run: run.id, inspect: true })}
            >
              <CircleHelp aria-hidden />
            </Button>
          </Tooltip>
        </div>
      )}
      {hit ? <CacheMark threadId={threadId} runId={run.id} hit={hit} /> : null}
    </footer>
  );
}

function StopRun({ run }: { run: RunState }) {
  return (
    <Button
      variant="outline"
      size="sm"
      data-slot="stop-run"
      disabled={run.stopping}
      className="h-6 rounded-full px-2.5 text-muted-foreground"
      onClick={() => session.stopRun(run.id)}
    >
      <Square aria-hidden className="!size-2.5 fill-current" />
      {run.stopping ? "Stopping" : "Stop"}
    </Button>
  );
}

/** For runs of several tasks: what is being written is finished, and nothing new begins. */
function PauseRun({ run }: { run: RunState }) {
  return (
    <Button
      variant="outline"
      size="sm"
      data-slot={run.paused ? "resume-run" : "pause-run"}
      disabled={run.stopping}
      className="h-6 rounded-full px-2.5 text-muted-foreground"
      onClick={() => (run.paused ? session.resumeRun(run.id) : session.pauseRun(run.id))}
    >
      {run.paused ? (
        <Play aria-hidden className="!size-2.5 fill-current" />
      ) : (
        <Pause aria-hidden className="!size-2.5 fill-current" />
      )}
      {run.paused ? "Resume" : "Pause"}
    </Button>
  );
}

function RetryMenu({ threadId, run }: { threadId: string; run: RunState }) {
  const { list } = useStore(session.models.state);
  const kind = run.corrected ?? run.route?.kind;
  return (
    <DropdownMenu>
      <Tooltip label="Answer again">
        <DropdownMenuTrigger asChild>
          <Button variant="ghost" size="icon-sm" aria-label="Answer again" data-slot="retry">
            <RotateCcw aria-hidden />
          </Button>
        </DropdownMenuTrigger>
      </Tooltip>
      <DropdownMenuContent align="start">
        <DropdownMenuItem onSelect={() => session.retryRun(threadId, run.id)}>
          <RotateCcw aria-hidden />
          Answer again
        </DropdownMenuItem>
        <DropdownMenuSeparator />
        {KINDS.filter((other) => other !== kind).map((other) => (
          <DropdownMenuItem key={other} onSelect={() => session.retryRun(threadId, run.id, { kind: other })}>
            <KindIcon kind={other} />
            Again as {KIND_LABEL[other].toLowerCase()}
          </DropdownMenuItem>
        ))}
        {list !== null && list.models.length > 1 ? (
          <>
            <DropdownMenuSeparator />
            <DropdownMenuLabel>Again with</DropdownMenuLabel>
            {list.models.map((model) => (
              <DropdownMenuItem
                key={model.id}
                onSelect={() => session.retryRun(threadId, run.id, { model: model.id })}
              >
                {modelLabel(list, model.id)}
              </DropdownMenuItem>
            ))}
          </>
        ) : null}
      </DropdownMenuContent>
    </DropdownMenu>
  );
}
