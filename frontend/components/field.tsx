import { Slot } from "radix-ui";
import { type ReactNode, useId } from "react";

/** A form's line: its name, its control, and where it needs one a word of help. */
export function Field({ label, help, children }: { label: string; help?: string; children: ReactNode }) {
  const id = useId();
  return (
    <div className="grid items-center gap-x-3 gap-y-1 sm:grid-cols-[96px_1fr]">
      {/* biome-ignore lint/a11y/noLabelWithoutControl: the control is the child */}
      <label className="contents">
        <span className="text-[13px] text-muted-foreground">{label}</span>
        {/* Always the same element, so that a help that comes or goes does not take the focus away. */}
        <Slot.Root aria-describedby={help === undefined ? undefined : id}>{children}</Slot.Root>
      </label>
      {help === undefined ? null : (
        <p id={id} className="text-faint-foreground text-xs sm:col-start-2">
          {help}
        </p>
      )}
    </div>
  );
}
