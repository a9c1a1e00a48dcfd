"use client";

import { ChevronLeft, ChevronRight, Pencil } from "lucide-react";
import { useState } from "react";
import { CopyButton } from "@/components/copy-button";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { useTree } from "@/hooks/use-session";
import { go } from "@/lib/location";
import type { RunState } from "@/lib/run-state";
import { session } from "@/lib/session";
import { siblingsOf } from "@/lib/tree";

/** What a person asked, with its other versions; editing it makes another branch. */
export function UserText({ threadId, run }: { threadId: string; run: RunState }) {
  const [editing, setEditing] = useState(false);
  if (editing) {
    return (
      <EditText
        text={run.text}
        onCancel={() => setEditing(false)}
        onSend={(text) => {
          setEditing(false);
          session.retryRun(threadId, run.id, { text });
        }}
      />
    );
  }
  return (
    <div className="flex flex-col items-end gap-1">
      <UserBubble text={run.text} />
      <div className="flex h-7 items-center gap-0.5">
        <div className="flex items-center opacity-0 transition-opacity focus-within:opacity-100 group-hover/turn:opacity-100 pointer-coarse:opacity-100">
          <CopyButton text={() => run.text} label="Copy question" />
          <Tooltip label="Edit and send again">
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label="Edit and send again"
              data-slot="edit"
              onClick={() => setEditing(true)}
            >
              <Pencil aria-hidden />
            </Button>
          </Tooltip>
        </div>
        <Branches threadId={threadId} runId={run.id} />
      </div>
    </div>
  );
}

export function UserBubble({ text }: { text: string }) {
  return (
    <div
      data-slot="user-text"
      className="max-h-[60vh] max-w-[88%] overflow-y-auto whitespace-pre-wrap break-words rounded-2xl rounded-br-md bg-muted px-4 py-2.5 text-[15px] leading-6 sm:max-w-[80%]"
    >
      {text}
    </div>
  );
}

function Branches({ threadId, runId }: { threadId: string; runId: string }) {
  const { tree } = useTree(threadId);
  const siblings = siblingsOf(tree, runId);
  if (siblings.length < 2) return null;
  const at = siblings.indexOf(runId);
  const show = (to: number): void => {
    const run = siblings[to];
    if (run !== undefined) go({ run });
  };
  return (
    <nav
      data-slot="branches"
      aria-label="Versions of this turn"
      className="flex items-center text-muted-foreground text-xs tabular-nums"
    >
      <Button
        variant="ghost"
        size="icon-sm"
        className="w-6"
        aria-label="Earlier version"
        disabled={at === 0}
        onClick={() => show(at - 1)}
      >
        <ChevronLeft aria-hidden />
      </Button>
      <span className="min-w-7 text-center">
        {at + 1}/{siblings.length}
      </span>
      <Button
        variant="ghost"
        size="icon-sm"
        className="w-6"
        aria-label="Later version"
        disabled={at === siblings.length - 1}
        onClick={() => show(at + 1)}
      >
        <ChevronRight aria-hidden />
      </Button>
    </nav>
  );
}

function EditText(props: { text: string; onCancel: () => void; onSend: (text: string) => void }) {
  const [text, setText] = useState(props.text);
  const trimmed = text.trim();
  return (
    <form
      data-slot="edit-form"
      className="mb-5 rounded-2xl rounded-br-md border border-input p-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (trimmed !== "") props.onSend(trimmed);
      }}
    >
      <textarea
        // biome-ignore lint/a11y/noAutofocus: the person has just asked to edit
        autoFocus
        aria-label="Edit your message"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") props.onCancel();
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            if (trimmed !== "") props.onSend(trimmed);
          }
        }}
        className="field-sizing-content block max-h-[50vh] min-h-12 w-full resize-none bg-transparent px-2 py-1 text-[15px] leading-6 outline-none max-sm:text-base"
      />
      <div className="flex items-center justify-end gap-2 pt-1">
        <span className="mr-auto px-2 text-faint-foreground text-xs max-sm:hidden">
          The first version stays.
        </span>
        <Button variant="ghost" size="sm" onClick={props.onCancel}>
          Cancel
        </Button>
        <Button variant="primary" size="sm" type="submit" disabled={trimmed === ""}>
          Send
        </Button>
      </div>
    </form>
  );
}
