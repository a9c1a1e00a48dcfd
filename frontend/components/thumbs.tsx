"use client";

import { ThumbsDown, ThumbsUp } from "lucide-react";
import { lazily } from "@/components/lazily";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { cn } from "@/lib/cn";
import { feedback, type GivingState } from "@/lib/feedback";
import { newestSignal, type SignalState } from "@/lib/learned-state";
import { MAIN } from "@/lib/protocol";

export interface SaidProps {
  runId: string;
  taskId?: string;
  signals: readonly SignalState[];
  /** The last entry of the run that we know. */
  seq: number;
  /** What is being said of it just now. */
  giving: GivingState;
}

const More = lazily(() => import("@/components/said-more").then((module) => module.SaidMoreForm));

/** Whether it was good. Pressed again, a thumb is taken back. */
export function Thumbs({ runId, taskId = MAIN, signals, seq, giving: { saying } }: SaidProps) {
  const value = newestSignal(signals, "thumb", taskId, saying)?.value ?? 0;
  const press = (pressed: number): void =>
    void feedback.give(runId, taskId, { signal: "thumb", value: value === pressed ? 0 : pressed }, seq);
  return (
    <div role="group" aria-label="What you think of it" className="flex items-center">
      {([1, -1] as const).map((side) => {
        const isPressed = Math.sign(value) === side;
        const label = side > 0 ? "Good" : "Bad";
        const Icon = side > 0 ? ThumbsUp : ThumbsDown;
        return (
          <Tooltip key={side} label={isPressed ? `${label}; press again to take it back` : label}>
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label={label}
              aria-pressed={isPressed}
              data-slot={side > 0 ? "thumb-up" : "thumb-down"}
              onClick={() => press(isPressed ? value : side)}
            >
              <Icon aria-hidden className={cn(isPressed && "fill-current text-foreground")} />
            </Button>
          </Tooltip>
        );
      })}
    </div>
  );
}

/** Why, how it should have been, and what could not be said; loaded when there is any of it. */
export function SaidMore(props: SaidProps & { answer: string }) {
  const { open, error } = props.giving;
  return open === null && error === null ? null : <More {...props} />;
}
