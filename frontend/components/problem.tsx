import { CircleAlert } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { HintText } from "@/components/hint-text";
import { cn } from "@/lib/cn";
import type { ErrorFacts } from "@/lib/protocol";

interface ProblemProps extends ComponentProps<"div"> {
  facts: ErrorFacts;
  /** Ways out. */
  children?: ReactNode;
}

/** What went wrong, as a sentence; what may help; and buttons that lead out. */
export function Problem({ facts, children, className, ...props }: ProblemProps) {
  const { message, expected, actual, hint, code } = facts;
  return (
    <div
      data-slot="problem"
      data-code={code}
      role="alert"
      className={cn("flex gap-3 border-destructive border-l-2 py-1 pl-4 text-sm", className)}
      {...props}
    >
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-destructive" />
      <div className="min-w-0 flex-1 space-y-1">
        <p className="break-words">
          <HintText text={message} />
        </p>
        {expected && actual && !message.includes(actual) ? (
          <p className="break-words text-[13px] text-muted-foreground">
            Expected {expected}; got {actual}.
          </p>
        ) : null}
        {hint ? (
          <p className="break-words text-[13px] text-muted-foreground">
            <HintText text={hint} />
          </p>
        ) : null}
        {children ? <div className="flex flex-wrap gap-2 pt-1.5">{children}</div> : null}
      </div>
    </div>
  );
}
