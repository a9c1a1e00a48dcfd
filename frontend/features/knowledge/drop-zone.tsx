"use client";

import { FileUp } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { Button } from "@/components/ui/button";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { chosenFiles } from "@/lib/dropped-files";
import { knowledge } from "@/lib/knowledge-list";
import { formatWords, mebibytes } from "@/lib/knowledge-words";

/** Where files are dropped or chosen; which ones are read, and how a folder is watched. */
export function DropZone({ large }: { large: boolean }) {
  return (
    <section
      data-slot="drop-zone"
      aria-label="Put files in"
      className={cn(
        "rounded-xl border border-input border-dashed px-5 transition-colors",
        large ? "py-12" : "py-6",
      )}
    >
      <div className="mx-auto flex max-w-lg flex-col items-center gap-3 text-center">
        <FileUp aria-hidden className={cn("text-faint-foreground", large ? "size-7" : "size-5")} />
        {large ? (
          <div className="space-y-1">
            <h2 className="font-semibold text-[17px] leading-6">Give Alma something to read</h2>
            <p className="text-pretty text-muted-foreground text-sm">
              Files that you put here are read once. Agents then find what is in them by themselves, and
              answers name the file and the place.
            </p>
          </div>
        ) : (
          <p className="text-[13px] text-muted-foreground max-sm:hidden">Drop files or folders here</p>
        )}
        <div className="flex flex-wrap justify-center gap-2">
          <Choose slot="choose-files" primary={large}>
            Choose files
          </Choose>
          <Choose slot="choose-folder" folder>
            Choose a folder
          </Choose>
        </div>
        <What />
      </div>
    </section>
  );
}

function Choose({
  slot,
  folder = false,
  primary = false,
  children,
}: {
  slot: string;
  folder?: boolean;
  primary?: boolean;
  children: ReactNode;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        data-slot={`${slot}-input`}
        aria-label={folder ? "Folder" : "Files"}
        {...(folder ? { webkitdirectory: "" } : {})}
        onChange={(event) => {
          void knowledge.put(chosenFiles(event.target.files));
          event.target.value = "";
        }}
      />
      <Button
        data-slot={slot}
        variant={primary ? "primary" : "outline"}
        className={folder ? "max-sm:hidden" : undefined}
        onClick={() => input.current?.click()}
      >
        {children}
      </Button>
    </>
  );
}

function What() {
  const { formats, maxBytes, folder, problem } = useStore(knowledge.state);
  if (formats.length === 0) return null;
  return (
    <div className="space-y-1 text-balance text-faint-foreground text-xs">
      <p data-slot="formats">
        Alma reads {formatWords(formats)}, up to {mebibytes(maxBytes)} a file.
      </p>
      <p data-slot="watched-folder" className="break-words">
        {folder === null ? (
          <>
            To have a folder watched, set <code className="font-mono">ALMA_KNOWLEDGE_DIR</code> to its path
            before Alma starts.
          </>
        ) : (
          <>
            <code className="font-mono text-muted-foreground">{folder}</code>{" "}
            {problem === "" ? "is watched: what changes there is read again." : "cannot be watched just now."}
          </>
        )}
      </p>
      {problem === "" ? null : (
        <p data-slot="folder-problem" className="break-words text-caution">
          {problem}
        </p>
      )}
    </div>
  );
}
