/** What a section of a prompt is, by what it refers to. Pure. */

import type { Section } from "@/lib/protocol";
import type { RunState } from "@/lib/run-state";
import { taskTitle } from "@/lib/task-words";

/** The memory that a section holds; `null`: it holds none. */
export function memoryIn({ name, ref = "" }: Pick<Section, "name" | "ref">): string | null {
  return name === "memory" && ref !== "" ? ref : null;
}

/** A memory by where it is from and what it says. */
function memoryWords(id: string, run: RunState | undefined): string {
  for (const { hits, missed } of run?.recalls ?? []) {
    const hit = hits.find((each) => each.id === id);
    if (hit !== undefined) return `${hit.label ? `${hit.label}: ` : ""}${oneLine(hit.text)}`;
    const other = missed.find((each) => each.id === id);
    if (other !== undefined) return oneLine(other.text);
  }
  return `Memory ${id}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** `null` where the reference says nothing to a person. */
export function sectionWords(
  { name, ref = "" }: Pick<Section, "name" | "ref">,
  run: RunState | undefined,
): string | null {
  if (ref === "") return null;
  switch (name) {
    case "result": {
      const task = run?.tasks.get(ref);
      return task === undefined ? `Result of task ${ref}` : `Result of ${ref}: ${taskTitle(task)}`;
    }
    case "board":
      return `Blackboard: “${ref.split("@")[0]}”`;
    case "example":
      return `Example ${ref}`;
    case "message": {
      const mail = run?.mail.find(({ seq }) => String(seq) === ref);
      return mail === undefined ? null : `From the ${mail.sender}: ${mail.text}`;
    }
    case "memory":
      return memoryWords(ref, run);
    case "tools":
      return `Tools: ${ref.replaceAll(",", ", ")}`;
    case "tool": {
      const call = run?.calls.get(ref);
      return call === undefined ? null : `What ${call.name} returned`;
    }
    case "summary":
      return "Summary of earlier turns";
    default:
      return null;
  }
}

/** The same of a reference as the notes on a prompt give it: `result 2`, `memory m_1`. */
export function refWords(ref: string, run: RunState | undefined): string {
  const [name = "", ...rest] = ref.split(" ");
  return sectionWords({ name, ref: rest.join(" ") }, run) ?? ref;
}
