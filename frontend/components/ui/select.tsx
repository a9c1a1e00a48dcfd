import { ChevronDown } from "lucide-react";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

/** The browser's own list of choices, in a line of text. */
export function Select({ className, ...props }: ComponentProps<"select">) {
  return (
    <span data-slot="select" className="relative inline-flex items-center">
      <select
        className={cn(
          "field-sizing-content h-7 cursor-pointer appearance-none rounded bg-transparent pr-5 text-xs hover:text-foreground focus-visible:ring-2 focus-visible:ring-ring/25 [&>option]:bg-popover [&>option]:text-foreground",
          className,
        )}
        {...props}
      />
      <ChevronDown aria-hidden className="pointer-events-none absolute right-0.5 size-3" />
    </span>
  );
}
