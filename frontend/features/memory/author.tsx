import { FileText } from "lucide-react";
import { AgentDot } from "@/components/agent-dot";
import type { MemoryEntry } from "@/lib/memory-api";
import { authorWords, isOfFile } from "@/lib/memory-words";

/** Whose memory it is: an agent, the person who reads this, or a file. */
export function Author({ memory }: { memory: MemoryEntry }) {
  if (isOfFile(memory))
    return (
      <>
        <FileText aria-hidden className="mr-1 size-3" />
        file
      </>
    );
  return (
    <>
      <AgentDot role={memory.agent} className="mr-1.5" />
      {authorWords(memory.agent)}
    </>
  );
}
