"use client";

import { Boxes, Coins, PanelLeft, Search, SquarePen } from "lucide-react";
import type { ReactNode } from "react";
import { lazily } from "@/components/lazily";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Tooltip } from "@/components/ui/tooltip";
import { PageButtons } from "@/features/threads/page-buttons";
import { ThemeMenu } from "@/features/threads/theme-menu";
import { ThreadRow } from "@/features/threads/thread-row";
import { useView } from "@/hooks/use-session";
import { usePart, useStore } from "@/hooks/use-store";
import { action } from "@/lib/actions";
import { dayGroup } from "@/lib/format";
import { setLayout, toggleRail } from "@/lib/layout";
import { go, openThread } from "@/lib/location";
import { modelLabel } from "@/lib/model-list";
import type { ThreadSummary } from "@/lib/protocol";
import { session } from "@/lib/session";

const AccountMenu = lazily(() =>
  import("@/features/threads/account-menu").then((module) => module.AccountMenu),
);

/** All chats, newest first; and what belongs to no chat. */
export function ThreadRail() {
  const isSignedIn = usePart(session.connection.state, ({ welcome }) => !!welcome?.token);
  const run = (id: string) => () => action(id)?.run();
  return (
    <nav data-slot="thread-rail" aria-label="Chats" className="flex h-full min-h-0 flex-col bg-sidebar">
      <div className="flex h-12 shrink-0 items-center gap-1 pr-2 pl-4">
        <span className="mr-auto font-semibold text-[15px] tracking-[-0.02em]">alma</span>
        <Tooltip label="Hide chats" shortcut="mod+b">
          <Button variant="ghost" size="icon" aria-label="Hide chats" onClick={toggleRail}>
            <PanelLeft aria-hidden />
          </Button>
        </Tooltip>
        <Tooltip label="New chat" shortcut="mod+shift+o">
          <Button
            variant="ghost"
            size="icon"
            aria-label="New chat"
            data-slot="new-chat"
            onClick={run("new-chat")}
          >
            <SquarePen aria-hidden />
          </Button>
        </Tooltip>
      </div>
      <SearchField />
      <PageButtons />
      <ThreadGroups />
      <div className="flex shrink-0 items-center gap-1 border-t p-2">
        <ModelsButton />
        <SpendButton />
        {isSignedIn ? <AccountMenu /> : null}
        <ThemeMenu />
      </div>
    </nav>
  );
}

function SearchField() {
  const { search } = useStore(session.threadList.state);
  return (
    <div className="relative mx-3 mb-2 shrink-0">
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-faint-foreground"
      />
      <Input
        type="search"
        aria-label="Search chats"
        data-slot="thread-search"
        placeholder="Search"
        value={search}
        onChange={(event) => session.threadList.search(event.target.value)}
        className="border-transparent bg-accent/60 pl-8 hover:border-input"
      />
    </div>
  );
}

function ThreadGroups() {
  const { threads, more, loading, loaded, error, search } = useStore(session.threadList.state);
  const { thread: open, page } = useView();
  const now = Date.now();
  const groups = new Map<string, ThreadSummary[]>();
  for (const thread of threads) {
    const name = dayGroup(thread.updatedAt, now);
    groups.set(name, [...(groups.get(name) ?? []), thread]);
  }
  const pick = (id: string): void => {
    openThread(id);
    setLayout({ drawer: false });
  };
  return (
    <div
      tabIndex={threads.length === 0 ? 0 : undefined}
      className="min-h-0 flex-1 overflow-y-auto overscroll-contain px-2 pb-2"
    >
      {[...groups].map(([name, members]) => (
        <section key={name} aria-label={name}>
          <h2 className="px-2 pt-3 pb-1 text-faint-foreground text-xs">{name}</h2>
          <ul>
            {members.map((thread) => (
              <ThreadRow
                key={thread.id}
                thread={thread}
                isOpen={page === null && thread.id === open}
                onOpen={pick}
              />
            ))}
          </ul>
        </section>
      ))}
      {more ? (
        <Button
          variant="quiet"
          size="sm"
          className="mt-1 w-full"
          disabled={loading}
          onClick={() => void session.threadList.loadMore()}
        >
          Show more
        </Button>
      ) : null}
      {threads.length === 0 && loaded ? (
        <Words>
          {search.trim() === "" ? "Your chats will be listed here." : `Nothing with “${search.trim()}”.`}
        </Words>
      ) : null}
      {error !== null && !loaded ? (
        <Words>The list of chats could not be loaded. {error.message}</Words>
      ) : null}
    </div>
  );
}

function Words({ children }: { children: ReactNode }) {
  return <p className="px-2 pt-3 text-[13px] text-muted-foreground">{children}</p>;
}

function ModelsButton() {
  const { list } = useStore(session.models.state);
  return (
    <Tooltip label="Models" shortcut="mod+shift+m" side="right">
      <Button
        variant="ghost"
        size="md"
        data-slot="open-models"
        className="min-w-0 flex-1 justify-start px-2 font-normal"
        onClick={() => {
          setLayout({ drawer: false });
          go({ dialog: "models" });
        }}
      >
        <Boxes aria-hidden />
        {list?.default ? <span className="sr-only">Models:</span> : null}
        <span className="truncate">{list?.default ? modelLabel(list, list.default) : "Models"}</span>
      </Button>
    </Tooltip>
  );
}

function SpendButton() {
  return (
    <Tooltip label="Spend and budgets">
      <Button
        variant="ghost"
        size="icon"
        aria-label="Spend and budgets"
        data-slot="open-spend"
        onClick={() => {
          setLayout({ drawer: false });
          go({ dialog: "spend" });
        }}
      >
        <Coins aria-hidden />
      </Button>
    </Tooltip>
  );
}
