/** The other end of `highlight.ts`: highlight.js, flattened into spans of one class each. */

import hljs from "highlight.js/lib/common";
import type { HighlightReply, HighlightRequest, Span } from "@/lib/highlight";

interface Scope {
  scope?: string;
  children: (Scope | string)[];
}

function flatten(node: Scope, inherited: string, spans: Span[]): void {
  const className = node.scope === undefined ? inherited : `hl-${node.scope.split(".")[0]}`;
  for (const child of node.children) {
    if (typeof child === "string") spans.push({ text: child, className });
    else flatten(child, className, spans);
  }
}

function spansOf({ language, code }: HighlightRequest): Span[] | null {
  if (hljs.getLanguage(language) === undefined) return null;
  const result = hljs.highlight(code, { language, ignoreIllegals: true });
  const spans: Span[] = [];
  flatten((result._emitter as unknown as { rootNode: Scope }).rootNode, "", spans);
  return spans;
}

self.onmessage = (message: MessageEvent<HighlightRequest>) => {
  let spans: Span[] | null = null;
  try {
    spans = spansOf(message.data);
  } catch {
    // Colours are a courtesy: code that cannot be parsed stays plain.
  }
  self.postMessage({ id: message.data.id, spans } satisfies HighlightReply);
};
