"use client";

import { useEffect, useState } from "react";
import { AgentDot } from "@/components/agent-dot";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { MemoryLink } from "@/features/inspector/memory-link";
import { Part } from "@/features/inspector/part";
import { useWhole } from "@/features/inspector/use-lens";
import { useStore } from "@/hooks/use-store";
import { plural } from "@/lib/format";
import { MAIN } from "@/lib/protocol";
import { isWorking } from "@/lib/run-state";
import { session } from "@/lib/session";
import { StoredMemories, type StoredMemory } from "@/lib/stored-memories";

/** What is remembered of this run since; of one task where one is chosen. */
export function StoredPart({ runId, taskId }: { runId: string; taskId: string | null }) {
  const [stored] = useState(() => new StoredMemories(runId));
  const { memories, total, error } = useStore(stored.state);
  const working = useWhole(isWorking) ?? false;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked for again when the run ends
  useEffect(() => void stored.load(), [stored, working]);
  useEffect(() => {
    const unsubscribe = session.memories.subscribe(() => stored.loadSoon());
    return () => {
      unsubscribe();
      stored.stop();
    };
  }, [stored]);
  const own = (memories ?? []).filter(({ source }) => taskId === null || (source.taskId || MAIN) === taskId);
  const more = taskId === null ? total - own.length : 0;
  return (
    <Part
      title={
        own.length === 0 ? "Kept from it" : `Kept from it: ${plural(own.length + more, "memory", "memories")}`
      }
    >
      {error === null ? null : (
        <Problem facts={error}>
          <Button size="sm" onClick={() => void stored.load()}>
            Try again
          </Button>
        </Problem>
      )}
      {memories !== null && own.length === 0 ? (
        <p data-slot="nothing-stored" className="text-[13px] text-muted-foreground">
          {working ? "Nothing yet; sentences are kept while they are written." : "Nothing was kept of this."}
        </p>
      ) : null}
      <ul data-slot="stored" className="divide-y">
        {own.map((memory) => (
          <Stored key={memory.id} memory={memory} />
        ))}
      </ul>
      {more > 0 ? <p className="text-faint-foreground text-xs">and {plural(more, "older one")}</p> : null}
    </Part>
  );
}

const KINDS: Readonly<Record<StoredMemory["kind"], string>> = {
  working: "for now",
  episodic: "said or done",
  semantic: "a fact",
  procedural: "how to do it",
};

function Stored({ memory }: { memory: StoredMemory }) {
  const { id, agent, kind, text, speaker, pinned } = memory;
  const who = agent === "user" || speaker === "user" ? "you" : agent;
  return (
    <li data-slot="stored-memory" data-memory={id} className="space-y-0.5 py-2 first:pt-0 last:pb-0">
      <p dir="auto" className="line-clamp-3 whitespace-pre-line break-words text-[13px] leading-5">
        {text}
      </p>
      <p className="flex items-center gap-1.5 text-faint-foreground text-xs">
        {who === "you" ? null : <AgentDot role={agent} />}
        <span className="min-w-0 truncate">
          {who} · {KINDS[kind]}
          {pinned ? " · pinned" : ""}
        </span>
        <MemoryLink id={id} className="ml-auto shrink-0">
          Open
        </MemoryLink>
      </p>
    </li>
  );
}
