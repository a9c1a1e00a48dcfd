/**
 * Syntax colours, worked out in a worker so that the page never waits for them. The worker is started by the first
 * finished code block; where there is none, code stays plain. Knows no React.
 */

export interface Span {
  readonly text: string;
  readonly className: string;
}
export interface HighlightRequest {
  id: number;
  language: string;
  code: string;
}
export interface HighlightReply {
  id: number;
  spans: Span[] | null;
}

const LONGEST = 40_000;
const waiting = new Map<number, (spans: Span[] | null) => void>();
let worker: Worker | null | undefined;
let nextId = 1;

function workerOrNull(): Worker | null {
  if (worker !== undefined) return worker;
  try {
    worker = new Worker(new URL("./highlight.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = (message: MessageEvent<HighlightReply>) => {
      waiting.get(message.data.id)?.(message.data.spans);
      waiting.delete(message.data.id);
    };
    worker.onerror = () => {
      for (const resolve of waiting.values()) resolve(null);
      waiting.clear();
      worker = null;
    };
  } catch {
    worker = null;
  }
  return worker;
}

/** The spans of `code`, or `null` when the language is unknown or the code too long. */
export function highlight(language: string, code: string): Promise<Span[] | null> {
  const where = code.length <= LONGEST && language !== "" ? workerOrNull() : null;
  if (where === null) return Promise.resolve(null);
  const id = nextId++;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    where.postMessage({ id, language, code } satisfies HighlightRequest);
  });
}
