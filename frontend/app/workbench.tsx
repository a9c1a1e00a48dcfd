"use client";

import { CircleHelp, PanelLeft, SquarePen, X } from "lucide-react";
import { useEffect } from "react";
import { lazily } from "@/components/lazily";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Tooltip, TooltipLayer } from "@/components/ui/tooltip";
import { Conversation } from "@/features/conversation/conversation";
import { Markdown } from "@/features/conversation/markdown";
import { AutoInspect } from "@/features/inspector/auto-open";
import { ConnectionStatus } from "@/features/status/connection-status";
import { NoticeList } from "@/features/status/notice-list";
import { ThreadRail } from "@/features/threads/thread-rail";
import { useView } from "@/hooks/use-session";
import { usePart, useStore } from "@/hooks/use-store";
import { action, followKeys, toggleInspector } from "@/lib/actions";
import { cn } from "@/lib/cn";
import { outside } from "@/lib/entry";
import { layout, setLayout, toggleRail } from "@/lib/layout";
import { followAddress, go, isMemoryPage, type MemoryPage, type Page } from "@/lib/location";
import { patiently } from "@/lib/patient-import";
import { session } from "@/lib/session";
import { followTheme } from "@/lib/theme";

const Inspector = lazily(() => import("@/features/inspector/inspector").then((module) => module.Inspector));
const ModelsDialog = lazily(() =>
  import("@/features/models/models-dialog").then((module) => module.ModelsDialog),
);
const SpendDialog = lazily(() =>
  import("@/features/spend/spend-dialog").then((module) => module.SpendDialog),
);
const MemoryView = lazily(() => import("@/features/memory/memory-view").then((module) => module.MemoryView));
const KnowledgeView = lazily(() =>
  import("@/features/knowledge/knowledge-view").then((module) => module.KnowledgeView),
);
const DashboardView = lazily(() =>
  import("@/features/dashboard/dashboard-view").then((module) => module.DashboardView),
);
const HealthView = lazily(() => import("@/features/health/health-view").then((module) => module.HealthView));
const LearningView = lazily(() =>
  import("@/features/learning/learning-view").then((module) => module.LearningView),
);
const SignIn = lazily(() => import("@/features/access/sign-in").then((module) => module.SignIn));
const loadPalette = () => import("@/features/palette/palette");
const Palette = lazily(() => loadPalette().then((module) => module.Palette));
const Help = lazily(() => import("@/features/palette/help").then((module) => module.Help));
const DropAnywhere = lazily(() =>
  import("@/features/knowledge/drop-anywhere").then((module) => module.DropAnywhere),
);

const TITLES: Record<Exclude<Page, MemoryPage>, string> = {
  dashboard: "Dashboard",
  health: "Health",
  learning: "Learning",
};

/** Begins when the page works, since nothing that is shown first needs it. The palette is to be there when a key asks for it. */
function afterwards(): () => void {
  void patiently(loadPalette);
  let stop: (() => void) | null = () => undefined;
  void patiently(() => import("@/lib/health-watch")).then((module) => {
    if (stop !== null) stop = module.watchHealth();
  });
  return () => {
    stop?.();
    stop = null;
  };
}

/** The frame: chats on the left, the conversation, and what is behind it on the right. */
export function Workbench() {
  const { rail, drawer, palette, help } = useStore(layout);
  const { inspect, dialog, thread, page } = useView();
  const isOutside = useStore(outside) !== null;
  useEffect(() => {
    const stops = [followAddress(), followTheme(), followKeys(), session.start()];
    return () => {
      for (const stop of stops) stop();
    };
  }, []);
  useEffect(afterwards, []);
  return (
    <>
      <div data-slot="workbench" className="relative flex h-dvh overflow-clip">
        {rail ? (
          <div className="w-66 shrink-0 border-r max-md:hidden">
            <ThreadRail />
          </div>
        ) : null}
        <Dialog open={drawer} onOpenChange={(open) => setLayout({ drawer: open })}>
          <DialogContent title="Chats" description={null} placement="left" bare>
            <ThreadRail />
          </DialogContent>
        </Dialog>
        <main className="flex min-w-0 flex-1 flex-col">
          <Header railShown={rail} />
          {page === null ? <Conversation /> : null}
          {isMemoryPage(page) ? (
            <MemoryView>{page === "knowledge" ? <KnowledgeView /> : null}</MemoryView>
          ) : null}
          {page === "dashboard" ? <DashboardView /> : null}
          {page === "learning" ? <LearningView /> : null}
          {page === "health" ? (
            <HealthView markdown={(text) => <Markdown source={text} open={false} />} />
          ) : null}
        </main>
        {page === null && inspect && thread !== null ? <Inspector /> : null}
      </div>
      {isMemoryPage(page) ? <DropAnywhere /> : null}
      {dialog === "models" ? <ModelsDialog /> : null}
      {dialog === "spend" ? <SpendDialog /> : null}
      <AutoInspect />
      {palette ? <Palette /> : null}
      {help ? <Help /> : null}
      <NoticeList />
      <TooltipLayer />
      {isOutside ? <SignIn /> : null}
    </>
  );
}

function Header({ railShown }: { railShown: boolean }) {
  const { thread, inspect, page } = useView();
  const chat = usePart(session.threadList.titles, (titles) => titles.get(thread ?? ""));
  const title = page === null ? chat : isMemoryPage(page) ? "Memory" : TITLES[page];
  useEffect(() => {
    document.title = title ? `${title} – Alma` : "Alma";
  }, [title]);
  return (
    <header className="flex h-12 shrink-0 items-center gap-1 px-2 sm:px-3">
      <Tooltip label="Show chats" shortcut="mod+b" side="bottom">
        <Button
          variant="ghost"
          size="icon"
          aria-label="Show chats"
          data-slot="show-rail"
          className={cn(railShown && "md:hidden")}
          onClick={toggleRail}
        >
          <PanelLeft aria-hidden />
        </Button>
      </Tooltip>
      <Tooltip label="New chat" shortcut="mod+shift+o" side="bottom">
        <Button
          variant="ghost"
          size="icon"
          aria-label="New chat"
          className={cn(railShown && "md:hidden")}
          onClick={() => action("new-chat")?.run()}
        >
          <SquarePen aria-hidden />
        </Button>
      </Tooltip>
      <div className="min-w-0 flex-1 px-2 text-[13px] text-muted-foreground">
        {thread === null && page === null ? null : (
          <h1 data-slot="thread-title" className={cn("truncate", page !== null && "text-foreground")}>
            {title || "Chat"}
          </h1>
        )}
      </div>
      <ConnectionStatus />
      {page === null ? null : <Leave />}
      {thread === null || page !== null ? null : (
        <Tooltip label="Why this answer" shortcut="mod+i" side="bottom">
          <Button
            variant="ghost"
            size="icon"
            aria-label="Why this answer"
            aria-pressed={inspect}
            data-slot="toggle-inspector"
            onClick={toggleInspector}
          >
            <CircleHelp aria-hidden />
          </Button>
        </Tooltip>
      )}
    </header>
  );
}

/** Back to the chat. */
function Leave() {
  return (
    <Tooltip label="Back to the chat" side="bottom">
      <Button
        variant="ghost"
        size="icon"
        aria-label="Back to the chat"
        data-slot="leave-page"
        onClick={() => go({ page: null })}
      >
        <X aria-hidden />
      </Button>
    </Tooltip>
  );
}
