import { FileText } from "lucide-react";
import { AgentDot } from "@/components/agent-dot";
import type { MemoryEntry } from "@/lib/memory-api";
import { authorWords, isOfFile, USER } from "@/lib/memory-words";

/** Whose memory it is: an agent’s, of the person who reads this, or a file. What the person said to an agent is theirs. */
export function Author({ memory }: { memory: MemoryEntry }) {
  if (isOfFile(memory))
    return (
      <>
        <FileText aria-hidden className="mr-1 size-3" />
        file
      </>
    );
  const isSaid = memory.speaker === USER && memory.agent !== USER;
  return (
    <>
      <AgentDot role={isSaid ? USER : memory.agent} className="mr-1.5" />
      {isSaid ? `you, to ${memory.agent}` : authorWords(memory.agent)}
    </>
  );
}
