"use client";

import { X } from "lucide-react";
import { HintText } from "@/components/hint-text";
import { Button } from "@/components/ui/button";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { session } from "@/lib/session";

/** Short messages at the lower edge, over the composer, the newest last. */
export function NoticeList() {
  const items = useStore(session.notices.items);
  const { page } = useView();
  return (
    <section
      data-slot="notices"
      aria-label="Notices"
      aria-live="polite"
      className={cn(
        "pointer-events-none fixed inset-x-0 z-50 flex flex-col items-center gap-2 px-4",
        page === null ? "bottom-40" : "bottom-4",
      )}
    >
      {items.map((item) => (
        <div
          key={item.id}
          data-slot="notice"
          data-tone={item.tone}
          className={cn(
            "pointer-events-auto flex max-w-md animate-appear items-center gap-3 rounded-lg bg-foreground py-2 pr-2 pl-4 text-[13px] text-background shadow-lg",
          )}
        >
          <div className="min-w-0">
            <p className="break-words">{item.text}</p>
            {item.hint === null ? null : (
              <p className="break-words opacity-75">
                <HintText text={item.hint} />
              </p>
            )}
          </div>
          {item.action === null ? null : (
            <button
              type="button"
              className="shrink-0 rounded px-2 py-1 font-medium underline underline-offset-2"
              onClick={() => {
                item.action?.run();
                session.notices.dismiss(item.id);
              }}
            >
              {item.action.label}
            </button>
          )}
          <Button
            variant="quiet"
            size="icon-sm"
            aria-label="Dismiss"
            className="text-background/80 hover:text-background"
            onClick={() => session.notices.dismiss(item.id)}
          >
            <X aria-hidden />
          </Button>
        </div>
      ))}
    </section>
  );
}
