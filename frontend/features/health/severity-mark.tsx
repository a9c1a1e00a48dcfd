import { CircleAlert, Info, TriangleAlert } from "lucide-react";
import { cn } from "@/lib/cn";
import type { Severity } from "@/lib/health-api";

const MARKS = {
  info: { Icon: Info, colour: "text-primary" },
  warning: { Icon: TriangleAlert, colour: "text-caution" },
  critical: { Icon: CircleAlert, colour: "text-destructive" },
} as const;

/** By colour and by shape; the word stands beside it. */
export function SeverityMark({
  severity,
  muted = false,
  className,
}: {
  severity: Severity;
  muted?: boolean;
  className?: string;
}) {
  const { Icon, colour } = MARKS[severity];
  return (
    <Icon
      aria-hidden
      className={cn("size-4 shrink-0", muted ? "text-faint-foreground" : colour, className)}
    />
  );
}
