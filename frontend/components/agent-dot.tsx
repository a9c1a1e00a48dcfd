import type { ComponentProps } from "react";
import { agentColourVar } from "@/lib/agent-colour";
import { cn } from "@/lib/cn";

/** An agent's colour. Says nothing to a screen reader: the role stands beside it in words. */
export function AgentDot({
  role,
  className,
  ...props
}: Omit<ComponentProps<"span">, "role"> & { role: string }) {
  return (
    <span
      data-slot="agent-dot"
      data-agent={role}
      aria-hidden
      style={{ background: agentColourVar(role) }}
      className={cn("inline-block size-2 shrink-0 rounded-full", className)}
      {...props}
    />
  );
}
