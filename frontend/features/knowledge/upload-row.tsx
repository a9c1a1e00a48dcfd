"use client";

import { RotateCcw, X } from "lucide-react";
import { HintText } from "@/components/hint-text";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { FileIcon } from "@/features/knowledge/file-icon";
import { Progress } from "@/features/knowledge/progress";
import { bytes } from "@/lib/format";
import { knowledge, type Upload } from "@/lib/knowledge-list";
import { sentWords } from "@/lib/knowledge-words";

/** A file on its way, or one that could not be taken. */
export function UploadRow({ upload }: { upload: Upload }) {
  const { key, name, state, sent, error } = upload;
  const again = error !== null && !NEVER.has(error.code) && knowledge.has(name);
  return (
    <li
      data-slot="upload"
      data-state={state}
      data-name={name}
      className="flex items-start gap-3 border-b py-2.5"
    >
      <FileIcon name={name} className="mt-0.5" />
      <div className="min-w-0 flex-1 space-y-1">
        <p className="flex items-baseline gap-2">
          <bdi className="min-w-0 truncate text-sm">{name}</bdi>
          <span className="shrink-0 text-faint-foreground text-xs tabular-nums">
            {upload.bytes > 0 ? bytes(upload.bytes) : null}
          </span>
        </p>
        {error === null ? (
          <>
            <p className="text-muted-foreground text-xs tabular-nums">
              {state === "waiting" ? "waits to be sent" : sentWords(sent)}
            </p>
            {state === "sending" ? <Progress share={sent} label={`Sending ${name}`} /> : null}
          </>
        ) : (
          <div role="alert" className="space-y-0.5 text-[13px]">
            <p className="break-words text-destructive">{error.message}</p>
            {error.hint ? (
              <p className="break-words text-muted-foreground text-xs">
                <HintText text={error.hint} />
              </p>
            ) : null}
          </div>
        )}
      </div>
      {again ? (
        <Button
          size="sm"
          onClick={() => {
            knowledge.drop(key);
            knowledge.putAgain(name);
          }}
        >
          <RotateCcw aria-hidden className="!size-3" />
          Try again
        </Button>
      ) : null}
      <Tooltip label={state === "refused" ? "Take it from the list" : "Stop"}>
        <Button
          variant="ghost"
          size="icon-sm"
          data-slot="drop-upload"
          aria-label={`${state === "refused" ? "Take from the list" : "Stop sending"}: ${name}`}
          onClick={() => knowledge.drop(key)}
        >
          <X aria-hidden />
        </Button>
      </Tooltip>
    </li>
  );
}

/** What the same file would be refused for again. */
const NEVER: ReadonlySet<string> = new Set(["too_large", "empty_file", "unknown_format"]);
