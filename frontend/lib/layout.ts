/** Which parts of the frame are open. Knows no React. */

import { writable } from "@/lib/store";

export interface Layout {
  /** The rail on a wide screen. */
  readonly rail: boolean;
  /** The rail as a drawer on a narrow one. */
  readonly drawer: boolean;
  readonly palette: boolean;
  readonly help: boolean;
}

export const layout = writable<Layout>({ rail: true, drawer: false, palette: false, help: false });

export function setLayout(change: Partial<Layout>): void {
  layout.update((state) => ({ ...state, ...change }));
}

export function toggleRail(): void {
  const wide = matchMedia("(min-width: 768px)").matches;
  layout.update((state) => (wide ? { ...state, rail: !state.rail } : { ...state, drawer: !state.drawer }));
}
