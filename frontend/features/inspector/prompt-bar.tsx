import { cn } from "@/lib/cn";
import { count, plural } from "@/lib/format";
import type { Section, TextMessageStart } from "@/lib/protocol";

const COLOURS = ["bg-series-1", "bg-series-2", "bg-series-3", "bg-series-4"] as const;
const WORDS: Record<string, string> = {
  role: "Role",
  history: "Earlier turns",
  task: "The task",
  result: "Result of",
  message: "Message",
  tool: "Tool",
  board: "Blackboard",
};

/** A result is told by the task that it is of. */
function nameOf({ name, ref, chars }: Section): string {
  const cut = chars ? `, cut to ${count(chars)} characters` : "";
  return `${WORDS[name] ?? name}${ref ? ` ${name === "result" ? `task ${ref}` : ref}` : ""}${cut}`;
}

/** What filled the context window, to scale. */
export function PromptBar({ start }: { start: TextMessageStart }) {
  const used = start.sections.reduce((sum, section) => sum + section.tokens, 0);
  const size = Math.max(start.contextWindow ?? 0, used);
  const percent = (tokens: number): string => `${(100 * tokens) / Math.max(1, size)}%`;
  return (
    <div data-slot="prompt-bar" className="space-y-3 text-[13px]">
      <p className="text-muted-foreground tabular-nums">
        {count(used)} tokens{start.contextWindow ? ` of a window of ${count(start.contextWindow)}` : ""}
        {start.leftOutTurns ? `; ${plural(start.leftOutTurns, "older turn")} did not fit` : ""}.
      </p>
      <div aria-hidden className="flex h-2 gap-px overflow-hidden rounded-full bg-muted">
        {start.sections.map((section, at) => (
          <div
            key={at}
            className={cn("min-w-0.5", COLOURS[at % COLOURS.length])}
            style={{ width: percent(section.tokens) }}
          />
        ))}
      </div>
      <dl className="grid grid-cols-[auto_1fr_auto] items-center gap-x-2 gap-y-1 tabular-nums">
        {start.sections.map((section, at) => (
          <div key={at} className="col-span-3 grid grid-cols-subgrid items-center">
            <span aria-hidden className={cn("size-2 rounded-full", COLOURS[at % COLOURS.length])} />
            <dt className="min-w-0 truncate">{nameOf(section)}</dt>
            <dd className="text-right text-muted-foreground">{count(section.tokens)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
