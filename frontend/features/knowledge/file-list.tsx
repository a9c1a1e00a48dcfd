"use client";

import { useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { DropZone } from "@/features/knowledge/drop-zone";
import { FileRow } from "@/features/knowledge/file-row";
import { FileSearch } from "@/features/knowledge/file-search";
import { UploadRow } from "@/features/knowledge/upload-row";
import { useStore } from "@/hooks/use-store";
import { plural } from "@/lib/format";
import { inOrder, knowledge } from "@/lib/knowledge-list";
import { memoryState } from "@/lib/memory-state";

/** All files, what is on its way, and how more get in. */
export function FileList() {
  const { documents, uploads, error } = useStore(knowledge.state);
  const [text, setText] = useState("");
  const isOff = useStore(memoryState.standing).state?.on === false;
  const isEmpty = documents?.length === 0 && uploads.length === 0;
  return (
    <div
      className="relative min-h-0 flex-1 overflow-y-auto overscroll-contain"
      tabIndex={0}
      role="region"
      aria-label="Files"
    >
      <div className="mx-auto w-full max-w-[860px] space-y-6 px-4 pt-5 pb-12 sm:px-6">
        {isOff ? (
          <p
            data-slot="memory-off"
            role="status"
            className="rounded-md bg-caution-tint px-3 py-2 text-[13px]"
          >
            Memory is switched off: files are read and kept, and agents recall nothing from them.
          </p>
        ) : null}
        <DropZone large={isEmpty} />
        {error === null ? null : (
          <Problem facts={error}>
            <Button size="sm" onClick={() => void knowledge.load()}>
              Try again
            </Button>
          </Problem>
        )}
        {documents === null && error === null ? (
          <p className="text-faint-foreground text-sm">Loading…</p>
        ) : null}
        {documents !== null && documents.length > 0 ? (
          <FileSearch text={text} onText={setText} documentId={null} />
        ) : null}
        {text.trim() === "" ? (
          <>
            <Uploads />
            {documents === null || documents.length === 0 ? null : (
              <section aria-label="Files that were read">
                <h2 className="border-b pb-2 text-muted-foreground text-xs">
                  {plural(documents.length, "file")}
                </h2>
                <ul data-slot="files">
                  {inOrder(documents).map((document) => (
                    <FileRow key={document.id} document={document} />
                  ))}
                </ul>
              </section>
            )}
          </>
        ) : null}
      </div>
    </div>
  );
}

const REFUSED_SHOWN = 6;

function Uploads() {
  const { uploads } = useStore(knowledge.state);
  if (uploads.length === 0) return null;
  const refused = uploads.filter(({ state }) => state === "refused");
  const more = refused.length - REFUSED_SHOWN;
  const hidden = new Set(refused.slice(REFUSED_SHOWN));
  return (
    <section aria-label="On their way" data-slot="uploads">
      <div className="flex items-end justify-between border-b pb-2">
        <h2 className="text-muted-foreground text-xs">
          {refused.length === uploads.length ? `${plural(refused.length, "file")} not taken` : "On their way"}
        </h2>
        {refused.length > 1 ? (
          <Button variant="quiet" size="inline" className="text-xs" onClick={() => knowledge.dropRefused()}>
            Clear these
          </Button>
        ) : null}
      </div>
      <ul>
        {uploads
          .filter((upload) => !hidden.has(upload))
          .map((upload) => (
            <UploadRow key={upload.key} upload={upload} />
          ))}
      </ul>
      {more > 0 ? (
        <p className="py-2 text-faint-foreground text-xs">
          and {plural(more, "more", "more")} that cannot be taken
        </p>
      ) : null}
    </section>
  );
}
