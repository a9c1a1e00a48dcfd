"use client";

import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { PanelEdge, usePanelWidth } from "@/features/inspector/panel-resize";
import { RunTabs } from "@/features/inspector/run-tabs";
import { usePath, useView } from "@/hooks/use-session";
import { usePart } from "@/hooks/use-store";
import { go, location } from "@/lib/location";
import { session } from "@/lib/session";

/** What is behind an answer: of the chosen turn, else of the last one. */
export function Inspector() {
  const { thread, run } = useView();
  const { runs } = usePath(thread);
  const chosen = run !== null && runs.includes(run) ? run : (runs.at(-1) ?? null);
  const planned = usePart(
    session.thread(thread ?? ""),
    (state) => (state.runs.get(chosen ?? "")?.tasks.size ?? 0) > 1,
  );
  const close = (): void => go({ inspect: false }, "replace");
  const width = usePanelWidth(planned);
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    // Where it covers the conversation, the keyboard goes with it.
    if (!matchMedia("(min-width: 1024px)").matches) panel.current?.focus();
  }, []);
  return (
    <aside
      ref={panel}
      tabIndex={-1}
      data-slot="inspector"
      aria-label="Why this answer"
      style={{ "--panel": width } as React.CSSProperties}
      className="relative flex min-h-0 w-(--panel) shrink-0 flex-col border-l bg-background outline-none max-lg:fixed max-lg:inset-0 max-lg:z-30 max-lg:w-auto max-lg:border-0"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        if (location.get().task !== null) go({ task: null }, "replace");
        else close();
      }}
    >
      <PanelEdge />
      <header className="flex h-12 shrink-0 items-center justify-between pr-2 pl-5">
        <h2 className="font-medium text-sm">{planned ? "How this answer came about" : "Why this answer"}</h2>
        <Tooltip label="Close" shortcut="mod+i" side="bottom">
          <Button variant="ghost" size="icon" aria-label="Close the inspector" onClick={close}>
            <X aria-hidden />
          </Button>
        </Tooltip>
      </header>
      {thread === null || chosen === null ? (
        <p className="border-t px-5 py-4 text-[13px] text-muted-foreground">Nothing has been asked yet.</p>
      ) : (
        <RunTabs key={chosen} threadId={thread} runId={chosen} planned={planned} />
      )}
    </aside>
  );
}
