"use client";

import { type ReactNode, useEffect, useId, useRef } from "react";
import { AgentDot } from "@/components/agent-dot";
import { agentColourVar } from "@/lib/agent-colour";
import { cn } from "@/lib/cn";

interface AskProps {
  slot: string;
  id: string;
  role: string;
  /** Who asks what kind of thing, in a few words. */
  title: ReactNode;
  /** The user has spoken, or it is too late. */
  settled: boolean;
  children: ReactNode;
}

/** What an agent wants of the user. The keyboard stays with it when its buttons go. */
export function Ask({ slot, id, role, title, settled, children }: AskProps) {
  const card = useRef<HTMLElement>(null);
  const was = useRef(settled);
  const titleId = useId();
  useEffect(() => {
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (settled && !was.current && lost) card.current?.focus({ preventScroll: true });
    was.current = settled;
  }, [settled]);
  return (
    <section
      ref={card}
      tabIndex={-1}
      data-slot={slot}
      data-ask={id}
      data-settled={settled}
      aria-labelledby={titleId}
      style={{ borderColor: agentColourVar(role) }}
      className={cn("outline-none", settled ? "text-[13px]" : "my-3 space-y-3 border-l-2 py-1 pl-4")}
    >
      <p id={titleId} className="flex min-h-6 items-center gap-3 text-[13px] text-muted-foreground">
        <AgentDot role={role} />
        <span>{title}</span>
      </p>
      {settled ? <div className="pl-5">{children}</div> : children}
    </section>
  );
}
