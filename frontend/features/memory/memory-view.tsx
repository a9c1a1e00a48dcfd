"use client";

import type { ReactNode } from "react";

/** What is remembered. `children`: the files that were read, where those are shown. */
export function MemoryView({ children }: { children: ReactNode }) {
  return <div data-slot="memory-view">{children}</div>;
}
