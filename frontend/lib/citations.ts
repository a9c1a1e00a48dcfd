/** Citations in an answer: of tasks, `[2]`, `[1, 2.1]`; of files, `[handbook.pdf, page 3]`. Pure. */

import { type FileSource, namedSource } from "@/lib/recall-state";

export type CitedPart = string | { readonly taskId: string } | { readonly source: FileSource };

const BRACKETS = /\[([^[\]\n]{1,300})\]/g;
const TASKS = /^\d+(?:\.\d+)*(?:\s*[,;]\s*\d+(?:\.\d+)*)*$/;

/**
 * The text, cut where it cites a task or a file. What is neither stays text. A task's number stands without the space
 * before it.
 */
export function splitCitations(
  text: string,
  isTask: (id: string) => boolean,
  sources: readonly FileSource[] = [],
): CitedPart[] {
  const parts: CitedPart[] = [];
  let from = 0;
  for (const match of text.matchAll(BRACKETS)) {
    const inside = match[1] ?? "";
    const cited = tasksIn(inside, isTask) ?? sourcesIn(inside, sources);
    if (cited === null) continue;
    const isNumber = cited.some((part) => typeof part !== "string" && "taskId" in part);
    const before = text.slice(from, match.index);
    const kept = isNumber ? before.trimEnd() : before;
    if (kept !== "") parts.push(kept);
    parts.push(...cited);
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

function tasksIn(inside: string, isTask: (id: string) => boolean): CitedPart[] | null {
  if (!TASKS.test(inside)) return null;
  const ids = inside.split(/\s*[,;]\s*/);
  return ids.every(isTask) ? ids.map((taskId) => ({ taskId })) : null;
}

/** One source, or several with a semicolon between them. */
function sourcesIn(inside: string, sources: readonly FileSource[]): CitedPart[] | null {
  if (sources.length === 0) return null;
  const one = namedSource(inside, sources);
  if (one !== null) return [{ source: one }];
  const several = inside.split(";").map((name) => namedSource(name, sources));
  if (several.length < 2) return null;
  const parts: CitedPart[] = [];
  for (const source of several) {
    if (source === null) return null;
    parts.push(...(parts.length > 0 ? [" ", { source }] : [{ source }]));
  }
  return parts;
}
