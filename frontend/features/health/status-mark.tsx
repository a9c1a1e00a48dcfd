import { CircleCheck, CircleX, TriangleAlert } from "lucide-react";
import { cn } from "@/lib/cn";
import type { Standing } from "@/lib/standing";

const MARKS = {
  ok: { Icon: CircleCheck, colour: "text-good" },
  degraded: { Icon: TriangleAlert, colour: "text-caution" },
  down: { Icon: CircleX, colour: "text-destructive" },
} as const;

/** By colour and by shape; the word stands beside it. */
export function StatusMark({ status, className }: { status: Standing; className?: string }) {
  const { Icon, colour } = MARKS[status];
  return <Icon aria-hidden className={cn("size-4 shrink-0", colour, className)} />;
}
