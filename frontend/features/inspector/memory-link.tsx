"use client";

import type { MouseEvent, ReactNode } from "react";
import { useView } from "@/hooks/use-session";
import { cn } from "@/lib/cn";
import { addressOf, go, type View } from "@/lib/location";
import type { RecalledMemory } from "@/lib/protocol";

interface MemoryLinkProps {
  id: string;
  className?: string;
  children: ReactNode;
}

/** Leads to the memory's page. */
export function MemoryLink({ id, ...props }: MemoryLinkProps) {
  return <PageLink slot="memory-link" target={{ page: "memory", memory: id, dialog: null }} {...props} />;
}

/** Where a recalled memory is from: to its place in a file, or to its page. */
export function FileOrMemoryLink({ hit, className }: { hit: RecalledMemory; className?: string }) {
  const { id, label = "", document_id = "" } = hit;
  const name = label === "" ? "A memory" : `${label.charAt(0).toUpperCase()}${label.slice(1)}`;
  if (document_id === "")
    return (
      <MemoryLink id={id} className={className}>
        {name}
      </MemoryLink>
    );
  const target: Partial<View> = { page: "knowledge", document: document_id, memory: id, dialog: null };
  return (
    <PageLink slot="file-link" target={target} className={className}>
      {label}
    </PageLink>
  );
}

function PageLink({
  slot,
  target,
  className,
  children,
}: {
  slot: string;
  target: Partial<View>;
  className?: string;
  children: ReactNode;
}) {
  const view = useView();
  const follow = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(target);
  };
  return (
    <a
      data-slot={slot}
      href={addressOf({ ...view, document: null, ...target })}
      onClick={follow}
      className={cn("hover:text-primary hover:underline", className)}
    >
      {children}
    </a>
  );
}
