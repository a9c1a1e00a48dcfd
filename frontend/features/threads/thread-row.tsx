"use client";

import { MoreHorizontal, Pencil, Trash2 } from "lucide-react";
import { memo, useState } from "react";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { WorkingDot } from "@/components/ui/working-dot";
import { cn } from "@/lib/cn";
import { openThread } from "@/lib/location";
import type { ThreadSummary } from "@/lib/protocol";
import { session } from "@/lib/session";

interface ThreadRowProps {
  thread: ThreadSummary;
  isOpen: boolean;
  onOpen: (id: string) => void;
}

export const ThreadRow = memo(function ThreadRow({ thread, isOpen, onOpen }: ThreadRowProps) {
  const [renaming, setRenaming] = useState(false);
  const title = thread.title || "New chat";
  const remove = (): void => {
    session.threadList.delete(thread.id, () => {
      if (isOpen) openThread(thread.id);
    });
    if (isOpen) openThread(null);
  };
  if (renaming) {
    return (
      <li>
        <RenameField
          title={thread.title}
          onDone={(next) => {
            setRenaming(false);
            if (next !== null) void session.threadList.rename(thread.id, next);
          }}
        />
      </li>
    );
  }
  return (
    <li
      data-slot="thread-row"
      data-thread={thread.id}
      data-working={thread.working || undefined}
      className={cn(
        "group/row relative flex items-center rounded-md text-[13px] hover:bg-accent/70 has-[[data-state=open]]:bg-accent/70",
        isOpen && "bg-accent hover:bg-accent",
      )}
    >
      <a
        href={`/?thread=${encodeURIComponent(thread.id)}`}
        aria-current={isOpen ? "page" : undefined}
        title={title}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          onOpen(thread.id);
        }}
        onDoubleClick={() => setRenaming(true)}
        className={cn(
          "flex h-8 min-w-0 flex-1 items-center gap-2 rounded-md px-2 group-focus-within/row:pr-8 group-hover/row:pr-8 pointer-coarse:h-10 pointer-coarse:pr-9",
          isOpen ? "text-foreground" : "text-muted-foreground group-hover/row:text-foreground",
        )}
      >
        <span className="truncate">{title}</span>
        {thread.working ? <WorkingDot className="ml-auto size-1.5" /> : null}
      </a>
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <Button
            variant="ghost"
            size="icon-sm"
            aria-label={`Options for ${title}`}
            data-slot="thread-options"
            className="absolute right-0.5 opacity-0 hover:bg-transparent focus-visible:opacity-100 group-hover/row:opacity-100 data-[state=open]:opacity-100 pointer-coarse:opacity-70"
          >
            <MoreHorizontal aria-hidden />
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent align="start">
          <DropdownMenuItem onSelect={() => setTimeout(() => setRenaming(true), 0)}>
            <Pencil aria-hidden />
            Rename
          </DropdownMenuItem>
          <DropdownMenuItem danger onSelect={remove}>
            <Trash2 aria-hidden />
            Delete
          </DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
    </li>
  );
});

function RenameField({ title, onDone }: { title: string; onDone: (title: string | null) => void }) {
  const [text, setText] = useState(title);
  return (
    <input
      // biome-ignore lint/a11y/noAutofocus: the person has just asked to rename
      autoFocus
      aria-label="Name of the chat"
      data-slot="rename"
      value={text}
      onFocus={(event) => event.target.select()}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => onDone(text.trim())}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") onDone(null);
      }}
      className="h-8 w-full rounded-md border border-ring bg-background px-2 text-[13px] outline-none max-sm:text-base pointer-coarse:h-10"
    />
  );
}
