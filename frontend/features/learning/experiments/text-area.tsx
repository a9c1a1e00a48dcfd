import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

/** A text of several lines, which grows with what is in it. */
export function TextArea({ className, ...props }: ComponentProps<"textarea">) {
  return (
    <textarea
      dir="auto"
      spellCheck={false}
      className={cn(
        "field-sizing-content max-h-80 min-h-16 w-full resize-y rounded-md border border-input bg-transparent px-2.5 py-1.5 text-[13px] leading-5 outline-none placeholder:text-faint-foreground focus-visible:border-ring focus-visible:ring-2 focus-visible:ring-ring/25 aria-invalid:border-destructive max-sm:text-base",
        className,
      )}
      {...props}
    />
  );
}
