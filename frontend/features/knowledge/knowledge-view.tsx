"use client";

/** The files that Alma has read. */
export function KnowledgeView() {
  return <div data-slot="knowledge-view" />;
}
