import { FileText, MessageSquare } from "lucide-react";
import { Button } from "@/components/ui/button";
import { useThreadTitle } from "@/hooks/use-thread-title";
import { go } from "@/lib/location";
import type { MemoryEntry } from "@/lib/memory-api";
import { exactTime, sourceWords } from "@/lib/memory-words";

/** Where it is from, and the way there. */
export function MemorySource({ memory }: { memory: MemoryEntry }) {
  const { source } = memory;
  const title = useThreadTitle(source.threadId);
  const words = sourceWords(memory, title);
  const isFile = source.documentId !== "";
  const isChat = !isFile && source.threadId !== "";
  const open = (): void => {
    if (isFile) go({ page: "knowledge", document: source.documentId });
    else
      go({
        page: null,
        thread: source.threadId,
        run: source.runId || null,
        task: source.taskId || null,
        inspect: false,
      });
  };
  const Icon = isFile ? FileText : MessageSquare;
  return (
    <div className="space-y-1">
      {isFile || isChat ? (
        <Button
          variant="link"
          size="inline"
          data-slot="memory-source"
          className="max-w-full whitespace-normal text-left"
          onClick={open}
        >
          <Icon aria-hidden className="!size-3.5" />
          {words}
        </Button>
      ) : (
        <p data-slot="memory-source">{words}</p>
      )}
      <p className="text-faint-foreground text-xs">
        <time>{exactTime(memory.createdAt)}</time>
      </p>
    </div>
  );
}
