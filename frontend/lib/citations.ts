/** Citations of tasks in an answer: `[2]`, `[1, 2.1]`. Pure. */

export type CitedPart = string | { readonly taskId: string };

const CITATION = /\[(\d+(?:\.\d+)*(?:\s*[,;]\s*\d+(?:\.\d+)*)*)\]/g;

/** The text, cut where it cites a task, without the space before it; numbers that are no tasks stay text. */
export function splitCitations(text: string, isTask: (id: string) => boolean): CitedPart[] {
  const parts: CitedPart[] = [];
  let from = 0;
  for (const match of text.matchAll(CITATION)) {
    const ids = (match[1] ?? "").split(/\s*[,;]\s*/);
    if (!ids.every(isTask)) continue;
    const before = text.slice(from, match.index).trimEnd();
    if (before !== "") parts.push(before);
    for (const taskId of ids) parts.push({ taskId });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}
