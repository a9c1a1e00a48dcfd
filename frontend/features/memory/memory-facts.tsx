import { type ReactNode, useState } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import { Author } from "@/features/memory/author";
import { factsOf } from "@/lib/api";
import { plural } from "@/lib/format";
import {
  type MemoryChange,
  type MemoryEntry,
  type MemoryKind,
  type MemoryScope,
  memoryApi,
} from "@/lib/memory-api";
import { memoryList } from "@/lib/memory-list";
import { MEMORY_KINDS, MEMORY_SCOPES } from "@/lib/memory-query";
import { ago, dateWords, exactTime, KIND_NAMES, SCOPE_NAMES, utilityWords } from "@/lib/memory-words";
import { session } from "@/lib/session";

interface MemoryFactsProps {
  memory: MemoryEntry;
  onChanged: () => void;
}

/** What it is, whose, since when, and how often it helped; what a person may choose is a choice here. */
export function MemoryFacts({ memory, onChanged }: MemoryFactsProps) {
  const now = Date.now();
  const isFixed = memory.forgottenAt !== null;
  const change = async (change: Omit<MemoryChange, "version">): Promise<void> => {
    try {
      await memoryApi.change(memory.id, { version: memory.version, ...change });
      memoryList.heard([memory.id]);
    } catch (cause) {
      session.notices.error(factsOf(cause));
    }
    onChanged();
  };
  return (
    <dl data-slot="memory-facts" className="grid grid-cols-[88px_1fr] gap-x-3 gap-y-1.5">
      <Fact name="Kind">
        <Select
          aria-label="Kind"
          value={memory.kind}
          disabled={isFixed}
          className="text-[13px]"
          onChange={(event) => void change({ kind: event.target.value as MemoryKind })}
        >
          {MEMORY_KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {KIND_NAMES[kind]}
            </option>
          ))}
        </Select>
      </Fact>
      <Fact name="Whose">
        <Select
          aria-label="Whose"
          value={memory.scope}
          disabled={isFixed}
          className="text-[13px]"
          onChange={(event) => void change({ scope: event.target.value as MemoryScope })}
        >
          {MEMORY_SCOPES.map((scope) => (
            <option key={scope} value={scope}>
              {SCOPE_NAMES[scope]}
            </option>
          ))}
        </Select>
      </Fact>
      <Fact name="By">
        <span className="inline-flex items-center">
          <Author memory={memory} />
        </span>
      </Fact>
      <Fact name="Key">
        <KeyField memory={memory} isFixed={isFixed} onSave={(key) => void change({ key })} />
      </Fact>
      <Fact name="Holds">
        <time title={exactTime(memory.validFrom)}>
          {memory.validTo === null
            ? `since ${dateWords(memory.validFrom, now)}`
            : `from ${dateWords(memory.validFrom, now)} until ${dateWords(memory.validTo, now)}`}
        </time>
      </Fact>
      <Fact name="Heard">
        {plural(memory.count, "time")}, last{" "}
        <time title={exactTime(memory.seenAt)}>{ago(memory.seenAt, now)}</time>
      </Fact>
      <Fact name="Used">
        {memory.uses === 0
          ? "not yet"
          : `${plural(memory.uses, "time")}, last ${ago(memory.usedAt, now)}; ${utilityWords(memory.utility)}`}
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="flex min-h-7 items-center text-muted-foreground">{name}</dt>
      <dd className="flex min-h-7 min-w-0 flex-wrap items-center gap-x-1 tabular-nums">{children}</dd>
    </>
  );
}

interface KeyFieldProps {
  memory: MemoryEntry;
  isFixed: boolean;
  onSave: (key: string) => void;
}

/** What it is about, so that a newer one can take its place. */
function KeyField({ memory, isFixed, onSave }: KeyFieldProps) {
  const [draft, setDraft] = useState<string | null>(null);
  if (draft === null)
    return (
      <Button
        variant="quiet"
        size="inline"
        disabled={isFixed}
        data-slot="memory-key"
        aria-label={`Key: ${memory.key || "none"}. Change it`}
        className={memory.key === "" ? "" : "font-mono text-foreground text-xs"}
        onClick={() => setDraft(memory.key)}
      >
        {memory.key === "" ? "none" : memory.key}
      </Button>
    );
  const leave = (): void => {
    if (draft.trim() !== memory.key) onSave(draft.trim());
    setDraft(null);
  };
  return (
    <Input
      autoFocus
      aria-label="Key"
      maxLength={200}
      value={draft}
      className="h-7 max-w-64 font-mono text-xs"
      onChange={(event) => setDraft(event.target.value)}
      onBlur={leave}
      onKeyDown={(event) => {
        if (event.key === "Enter") leave();
        if (event.key !== "Escape") return;
        event.preventDefault();
        setDraft(null);
      }}
    />
  );
}
