import { Feather, Lightbulb, type LucideProps, MessageCircle, Scale } from "lucide-react";
import type { Kind } from "@/lib/protocol";

const ICONS = { chat: MessageCircle, creative: Feather, analytical: Scale } as const;

/** The sign of a kind of task; without a kind, of the choice itself. */
export function KindIcon({ kind, ...props }: { kind: Kind | null } & LucideProps) {
  const Icon = kind === null ? Lightbulb : ICONS[kind];
  return <Icon aria-hidden {...props} />;
}
