"use client";

import type { ReactNode } from "react";
import { WindowBar } from "@/components/window-bar";
import { MemoryLink } from "@/features/inspector/memory-link";
import { memoryIn, sectionWords } from "@/features/inspector/section-words";
import { useLens, useWhole } from "@/features/inspector/use-lens";
import { agentColourVar } from "@/lib/agent-colour";
import { partColour, type WindowPart, windowUse } from "@/lib/context-window";
import { count, percent, plural } from "@/lib/format";
import type { Section, TextMessageStart } from "@/lib/protocol";
import type { RunState } from "@/lib/run-state";

/** What filled the context window, to scale, and each piece of it by name. */
export function PromptBar({ start }: { start: TextMessageStart }) {
  // What the sections refer to is known by the time a prompt is made of it; tasks may still get their names.
  useWhole((whole) => whole.tasks);
  const run = useLens().live.get();
  const use = windowUse(start);
  return (
    <div data-slot="prompt-bar" className="space-y-3 text-[13px]">
      <p className="text-muted-foreground tabular-nums">
        {plural(use.used, "token")}
        {use.known ? ` of a window of ${count(use.size)}` : "; how large the window is, is not known"}.
      </p>
      <WindowBar use={use} size="large" />
      <dl className="grid grid-cols-[auto_1fr_auto_3.5rem] items-center gap-x-2 gap-y-1 tabular-nums">
        {use.parts.map((part) => (
          <PartRows key={part.name} part={part} size={use.size} sections={start.sections} run={run} />
        ))}
        {use.reserve > 0 ? (
          <Row
            name="Kept for the answer"
            tokens={use.reserve}
            size={use.size}
            sign={<span aria-hidden className="reserved size-2 rounded-full border border-input" />}
          />
        ) : null}
        {use.free > 0 ? (
          <Row
            name="Free"
            tokens={use.free}
            size={use.size}
            sign={<span aria-hidden className="size-2 rounded-full bg-muted ring-1 ring-border" />}
          />
        ) : null}
      </dl>
    </div>
  );
}

interface RowProps {
  name: string;
  tokens: number;
  size: number;
  sign: ReactNode;
  /** It is one of several that a row above sums up. */
  below?: boolean;
  cut?: number;
  /** The memory that it is. */
  memory?: string | null;
}

function Row({ name, tokens, size, sign, below = false, cut = 0, memory = null }: RowProps) {
  return (
    <div
      data-slot="prompt-part"
      className={`col-span-4 grid grid-cols-subgrid items-center ${below ? "text-muted-foreground text-xs" : ""}`}
    >
      {sign}
      <dt className={`min-w-0 truncate ${below ? "pl-3" : ""}`} title={name}>
        {memory === null ? name : <MemoryLink id={memory}>{name}</MemoryLink>}
        {cut > 0 ? <span className="text-caution"> · cut to {plural(cut, "character")}</span> : null}
      </dt>
      <dd className="text-right">{count(tokens)}</dd>
      <dd className="text-right text-faint-foreground">{percent(tokens / size)}</dd>
    </div>
  );
}

/** More of one kind than this are summed up. */
const MOST_ROWS = 12;

interface PartRowsProps {
  part: WindowPart;
  size: number;
  sections: readonly Section[];
  run: RunState | undefined;
}

/** A kind of section, and below it each of them where there are several or it says whose it is. */
function PartRows({ part, size, sections, run }: PartRowsProps) {
  const own = sections.filter(({ name }) => name === part.name);
  const [first] = own;
  const only = own.length === 1 && first !== undefined ? sectionWords(first, run) : null;
  const name = own.length === 1 ? (only ?? part.label) : `${part.label} (${own.length})`;
  const colour = partColour(part.name);
  return (
    <>
      <Row
        name={name}
        tokens={part.tokens}
        size={size}
        sign={<span aria-hidden className="size-2 rounded-full" style={{ background: colour }} />}
        cut={own.length === 1 ? first?.chars : 0}
        memory={own.length === 1 && first !== undefined ? memoryIn(first) : null}
      />
      {own.length === 1
        ? null
        : own
            .slice(0, MOST_ROWS)
            .map((section, at) => (
              <Row
                key={at}
                below
                name={sectionWords(section, run) ?? `${part.label} ${at + 1}`}
                tokens={section.tokens}
                size={size}
                cut={section.chars}
                memory={memoryIn(section)}
                sign={<Mark section={section} run={run} />}
              />
            ))}
      {own.length > MOST_ROWS ? (
        <p className="col-span-4 pl-7 text-faint-foreground text-xs">
          and {plural(own.length - MOST_ROWS, "more", "more")}
        </p>
      ) : null}
    </>
  );
}

/** A result has the colour of the agent that wrote it. */
function Mark({ section, run }: { section: Section; run: RunState | undefined }) {
  const task = section.name === "result" ? run?.tasks.get(section.ref ?? "") : undefined;
  if (task === undefined) return <span aria-hidden className="size-2" />;
  return (
    <span
      aria-hidden
      className="size-1.5 justify-self-center rounded-full"
      style={{ background: agentColourVar(task.role) }}
    />
  );
}
