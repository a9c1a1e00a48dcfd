import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

/** A part of a tab, set off by a hairline. */
export function Part({
  title,
  className,
  children,
}: {
  title?: string;
  className?: string;
  children: ReactNode;
}) {
  return (
    <section className={cn("space-y-3 border-b px-5 py-4 last:border-0", className)}>
      {title === undefined ? null : <h3 className="font-medium text-[13px]">{title}</h3>}
      {children}
    </section>
  );
}

export function Nothing({ children }: { children: ReactNode }) {
  return <p className="px-5 py-4 text-[13px] text-muted-foreground">{children}</p>;
}
