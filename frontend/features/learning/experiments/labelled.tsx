import { Slot } from "radix-ui";
import { type ReactNode, useId } from "react";
import { cn } from "@/lib/cn";

interface LabelledProps {
  label: string;
  help?: string;
  /** What is wrong with what stands in it. */
  wrong: string | null;
  className?: string;
  children: ReactNode;
}

/** A field with its name above it, and below it what is wrong with it. */
export function Labelled({ label, help, wrong, className, children }: LabelledProps) {
  const id = useId();
  const said = wrong ?? help;
  return (
    <div data-slot="labelled" className={cn("min-w-0 space-y-1", className)}>
      {/* biome-ignore lint/a11y/noLabelWithoutControl: the control is the child */}
      <label className="block space-y-1">
        <span className="block text-muted-foreground text-xs">{label}</span>
        <Slot.Root
          aria-invalid={wrong === null ? undefined : true}
          aria-describedby={said === undefined ? undefined : id}
        >
          {children}
        </Slot.Root>
      </label>
      {said === undefined ? null : (
        <p
          id={id}
          data-slot={wrong === null ? undefined : "field-wrong"}
          className={cn("text-pretty text-xs", wrong === null ? "text-faint-foreground" : "text-destructive")}
        >
          {said}
        </p>
      )}
    </div>
  );
}
