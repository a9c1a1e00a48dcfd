/** Citations of tasks in an answer: `[2]`, `[1, 2.1]`. Pure. */

export type CitedPart = string | { readonly taskId: string };

const CITATION = /\[(\d+(?:\.\d+)*(?:\s*[,;]\s*\d+(?:\.\d+)*)*)\]/g;

/** The text, cut where it cites a task; numbers that are no tasks stay text. */
export function splitCitations(text: string, isTask: (id: string) => boolean): CitedPart[] {
  const parts: CitedPart[] = [];
  let from = 0;
  for (const match of text.matchAll(CITATION)) {
    const ids = (match[1] ?? "").split(/\s*[,;]\s*/);
    if (!ids.every(isTask)) continue;
    if (match.index > from) parts.push(text.slice(from, match.index));
    for (const taskId of ids) parts.push({ taskId });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}
