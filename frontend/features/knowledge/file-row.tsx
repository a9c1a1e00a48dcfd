"use client";

import { FolderSync, RotateCcw, Trash2 } from "lucide-react";
import { useRef } from "react";
import { ConfirmButton } from "@/components/confirm-button";
import { HintText } from "@/components/hint-text";
import { Button } from "@/components/ui/button";
import { FileIcon } from "@/features/knowledge/file-icon";
import { Progress } from "@/features/knowledge/progress";
import { usePart } from "@/hooks/use-store";
import { factsOf } from "@/lib/api";
import { cn } from "@/lib/cn";
import { bytes } from "@/lib/format";
import { documentError, type KnowledgeDocument } from "@/lib/knowledge-api";
import { knowledge } from "@/lib/knowledge-list";
import { documentWords, readShare, watchedPath } from "@/lib/knowledge-words";
import { addressOf, go, location } from "@/lib/location";
import { ago, dateWords, exactTime } from "@/lib/memory-words";
import { session } from "@/lib/session";

/** One file: how it stands, where it is from; leads to its text. */
export function FileRow({ document }: { document: KnowledgeDocument }) {
  const { id, name, state } = document;
  const watched = watchedPath(document);
  const share = readShare(document);
  const before = usePart(knowledge.state, ({ replaced }) => replaced[id]);
  return (
    <li
      data-slot="file"
      data-document={id}
      data-name={name}
      data-state={state}
      className="group/file flex flex-wrap items-start gap-x-3 gap-y-1 border-b py-2.5"
    >
      <FileIcon name={name} className="mt-0.5" />
      <div className="min-w-0 flex-1 space-y-1">
        <p className="flex items-baseline gap-2">
          <FileLink document={document} />
          <span className="shrink-0 text-faint-foreground text-xs tabular-nums">{bytes(document.bytes)}</span>
        </p>
        <p className="flex flex-wrap items-center gap-x-2 text-muted-foreground text-xs tabular-nums">
          <span data-slot="file-state" className={cn(state === "failed" && "text-destructive")}>
            {documentWords(document)}
          </span>
          {before === undefined ? null : (
            <span data-slot="file-replaced">replaced the one of {dateWords(before, Date.now())}</span>
          )}
          {watched === null ? null : (
            <span
              data-slot="file-origin"
              className="inline-flex min-w-0 items-center gap-1 text-faint-foreground"
            >
              <FolderSync aria-hidden className="size-3 shrink-0" />
              <span className="sr-only">From the watched folder: </span>
              <bdi className="truncate">{watched}</bdi>
            </span>
          )}
        </p>
        {state === "reading" ? <Progress share={share} label={`Reading ${name}`} /> : null}
        {state === "failed" ? <Failure document={document} /> : null}
      </div>
      <div className="flex items-center gap-1">
        <time
          data-tip={exactTime(document.updatedAt)}
          dateTime={new Date(document.updatedAt * 1000).toISOString()}
          className="whitespace-nowrap text-faint-foreground text-xs tabular-nums max-sm:hidden"
        >
          {ago(document.updatedAt, Date.now())}
        </time>
        <Remove document={document} />
      </div>
    </li>
  );
}

/** The name; a file that could not be read has nothing to show. */
function FileLink({ document: { id, name, state } }: { document: KnowledgeDocument }) {
  if (state === "failed" || state === "waiting")
    return <bdi className="min-w-0 truncate text-sm">{name}</bdi>;
  return (
    <a
      data-slot="open-file"
      href={addressOf({ ...location.get(), page: "knowledge", document: id, memory: null })}
      className="min-w-0 truncate text-sm hover:text-primary hover:underline"
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        go({ document: id, memory: null });
      }}
    >
      <bdi>{name}</bdi>
    </a>
  );
}

function Failure({ document }: { document: KnowledgeDocument }) {
  const error = documentError(document);
  if (error === null) return null;
  const { message, expected, actual, hint } = error;
  return (
    <div
      role="alert"
      data-slot="file-error"
      className="space-y-1 border-destructive border-l-2 pl-3 text-[13px]"
    >
      <p className="break-words">{message}</p>
      {expected && actual && !message.includes(actual) ? (
        <p className="break-words text-muted-foreground text-xs">
          Expected {expected}; got {actual}.
        </p>
      ) : null}
      {hint ? (
        <p className="break-words text-muted-foreground text-xs">
          <HintText text={hint} />
        </p>
      ) : null}
      <Again document={document} />
    </div>
  );
}

/** A file that this page has still got is sent again; of another the browser knows no more than the name. */
function Again({ document }: { document: KnowledgeDocument }) {
  const input = useRef<HTMLInputElement>(null);
  const { name } = document;
  if (watchedPath(document) !== null)
    return <p className="text-muted-foreground text-xs">It is tried again when it changes in the folder.</p>;
  const known = knowledge.has(name);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={`${name}, once more`}
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          if (file !== undefined) void knowledge.put([{ name, file }]);
          event.target.value = "";
        }}
      />
      <Button
        size="sm"
        data-slot="file-again"
        className="mt-1"
        onClick={() => (known ? knowledge.putAgain(name) : input.current?.click())}
      >
        <RotateCcw aria-hidden className="!size-3" />
        {known ? "Try again" : "Choose it again…"}
      </Button>
    </>
  );
}

/** What is in the watched folder would come back at once. */
function Remove({ document }: { document: KnowledgeDocument }) {
  const folder = usePart(knowledge.state, (state) => state.folder);
  const watched = watchedPath(document) !== null;
  const remove = async (): Promise<void> => {
    try {
      await knowledge.remove(document.id);
    } catch (cause) {
      session.notices.error(factsOf(cause));
    }
  };
  if (watched && folder !== null) return <span className="size-7 shrink-0" />;
  return (
    <ConfirmButton
      variant="ghost"
      size="icon-sm"
      data-slot="remove-file"
      aria-label={`Forget ${document.name}`}
      data-tip="Forget it"
      question="Forget the file and what was read?"
      confirm="Forget"
      onConfirm={() => void remove()}
    >
      <Trash2 aria-hidden />
    </ConfirmButton>
  );
}
