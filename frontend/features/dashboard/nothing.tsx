import { MessageSquare } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { action } from "@/lib/actions";

/** A whole page of nothing to show, and why. */
export function Nothing({ slot, title, children }: { slot: string; title: string; children: ReactNode }) {
  return (
    <div data-slot={slot} className="mx-auto w-full max-w-lg space-y-3 px-6 py-14 text-[14px] leading-6">
      <h2 className="font-semibold text-lg tracking-[-0.011em]">{title}</h2>
      {children}
    </div>
  );
}

/** Alma runs, and nobody has asked it anything in this time or the one before. */
export function Untouched({ time }: { time: string }) {
  return (
    <section data-slot="untouched" aria-label="Nothing was asked" className="max-w-xl space-y-3 pb-1">
      <h2 className="font-semibold text-lg tracking-[-0.011em]">Nothing was asked {time}</h2>
      <p className="text-pretty text-muted-foreground leading-6">
        As soon as somebody asks something, you see here how fast answers come, what they take and cost, and
        which runs are behind each number. What the machine does meanwhile is below.
      </p>
      <Button onClick={() => action("new-chat")?.run()}>
        <MessageSquare aria-hidden />
        Ask something
      </Button>
    </section>
  );
}
