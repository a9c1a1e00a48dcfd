import { cn } from "@/lib/cn";
import { partColour, partWords, type WindowUse } from "@/lib/context-window";

interface WindowBarProps {
  use: WindowUse;
  size?: "thin" | "large";
  className?: string;
}

/** The context window to scale: a piece per kind of section, then what is kept for the answer, then what is free. */
export function WindowBar({ use, size = "thin", className }: WindowBarProps) {
  const width = (share: number): { width: string } => ({ width: `${share * 100}%` });
  const reserve = use.reserve / use.size;
  const height = size === "thin" ? "h-1 gap-px" : "h-3 gap-0.5";
  return (
    <span
      data-slot="window-bar"
      aria-hidden
      className={cn("flex w-full overflow-hidden rounded-full bg-muted", height, className)}
    >
      {use.parts.map((part) => (
        <span
          key={part.name}
          data-part={part.name}
          data-tip={partWords(part)}
          className="min-w-0.5 shrink-0"
          style={{ ...width(part.share), background: partColour(part.name) }}
        />
      ))}
      {reserve > 0 ? (
        <span
          data-part="reserve"
          data-tip={partWords({ label: "Kept for the answer", tokens: use.reserve, share: reserve })}
          className="reserved min-w-0.5 shrink-0"
          style={width(reserve)}
        />
      ) : null}
      {use.free > 0 ? (
        <span
          data-part="free"
          data-tip={partWords({ label: "Free", tokens: use.free, share: use.free / use.size })}
          className="min-w-0 flex-1"
        />
      ) : null}
    </span>
  );
}
