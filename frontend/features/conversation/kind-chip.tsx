"use client";

import { KindIcon } from "@/components/kind-icon";
import { RouteReasons } from "@/components/route-reasons";
import { Button } from "@/components/ui/button";
import { Popover, PopoverClose, PopoverContent, PopoverTrigger } from "@/components/ui/popover";
import { cn } from "@/lib/cn";
import { KIND_LABEL } from "@/lib/format";
import { KINDS, type Route } from "@/lib/protocol";
import { isWorking, type RunState } from "@/lib/run-state";
import { session } from "@/lib/session";

/** What kind of task the Manager took it for; why; and a way to say that it was another. */
export function KindChip({ threadId, run, route }: { threadId: string; run: RunState; route: Route }) {
  const kind = run.corrected ?? route.kind;
  return (
    <Popover>
      <PopoverTrigger asChild>
        <Button
          variant="ghost"
          size="inline"
          data-slot="kind-chip"
          data-kind={kind}
          className="-ml-2 h-6 gap-1 rounded-full px-2 font-normal text-muted-foreground text-xs [&_svg]:size-3.5"
        >
          <KindIcon kind={kind} />
          <span className="sr-only">Kind of task:</span>
          {KIND_LABEL[kind]}
        </Button>
      </PopoverTrigger>
      <PopoverContent
        align="start"
        data-slot="kind-why"
        aria-label="Why this kind"
        className="space-y-4 text-[13px]"
      >
        <RouteReasons route={route} />
        <div className="space-y-2 border-t pt-3">
          <p id={`really-${run.id}`} className="text-muted-foreground">
            {run.corrected === null
              ? "Was it really something else?"
              : "Kept as an example for the next tasks."}
          </p>
          <div role="group" aria-labelledby={`really-${run.id}`} className="flex gap-1.5">
            {KINDS.map((other) => (
              <Button
                key={other}
                size="sm"
                variant="outline"
                aria-pressed={other === kind}
                data-kind={other}
                className={cn(
                  "rounded-full font-normal",
                  other === kind && "border-primary bg-primary-tint text-primary",
                )}
                onClick={() => {
                  if (other !== kind) session.correctRoute(run.id, other);
                }}
              >
                <KindIcon kind={other} className="!size-3.5" />
                {KIND_LABEL[other]}
              </Button>
            ))}
          </div>
          {run.corrected !== null && run.corrected !== route.kind && !isWorking(run) ? (
            <PopoverClose asChild>
              <Button
                variant="primary"
                size="sm"
                data-slot="answer-again-as"
                onClick={() => session.retryRun(threadId, run.id, { kind })}
              >
                Answer again as {KIND_LABEL[kind].toLowerCase()}
              </Button>
            </PopoverClose>
          ) : null}
        </div>
      </PopoverContent>
    </Popover>
  );
}
