import type { ReactNode } from "react";

/** A form's line: its name, its control, and where it needs one a word of help. */
export function Field({ label, help, children }: { label: string; help?: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child
    <label className="grid items-center gap-x-3 gap-y-1 sm:grid-cols-[96px_1fr]">
      <span className="text-[13px] text-muted-foreground">{label}</span>
      {children}
      {help === undefined ? null : (
        <span className="text-faint-foreground text-xs sm:col-start-2">{help}</span>
      )}
    </label>
  );
}
