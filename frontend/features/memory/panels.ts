/** Which of the view's small dialogs is open. */

import { writable } from "@/lib/store";

export const panels = writable<{ readonly adding: boolean; readonly importing: boolean }>({
  adding: false,
  importing: false,
});

export function showAdding(adding: boolean): void {
  panels.update((state) => ({ ...state, adding }));
}

export function showImporting(importing: boolean): void {
  panels.update((state) => ({ ...state, importing }));
}
