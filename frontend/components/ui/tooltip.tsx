import { Tooltip as Primitive } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { Kbd } from "@/components/ui/kbd";
import { cn } from "@/lib/cn";

export function TooltipProvider(props: ComponentProps<typeof Primitive.Provider>) {
  return <Primitive.Provider delayDuration={350} skipDelayDuration={200} {...props} />;
}

interface TooltipProps {
  label: ReactNode;
  /** The key that does the same. */
  shortcut?: string;
  side?: "top" | "right" | "bottom" | "left";
  children: ReactNode;
  className?: string;
}

/** Names its child on hover and focus. The child keeps its own accessible name. */
export function Tooltip({ label, shortcut, side = "top", children, className }: TooltipProps) {
  return (
    <Primitive.Root>
      <Primitive.Trigger asChild>{children}</Primitive.Trigger>
      <Primitive.Portal>
        <Primitive.Content
          data-slot="tooltip"
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className={cn(
            "z-50 flex max-w-72 animate-appear items-center gap-2 rounded-md bg-foreground px-2 py-1 text-background text-xs",
            className,
          )}
        >
          {label}
          {shortcut === undefined ? null : <Kbd>{shortcut}</Kbd>}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
