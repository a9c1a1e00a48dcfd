/** The address is the state of the view: `/?thread=…&run=…&task=…&inspect=1`. Knows no React. */

import { type Readable, writable } from "@/lib/store";

export interface View {
  /** The thread that is open; `null` is a new chat. */
  readonly thread: string | null;
  /** The turn that the path goes through, or that is being inspected. */
  readonly run: string | null;
  /** The task of that turn that is looked at. */
  readonly task: string | null;
  readonly inspect: boolean;
  /** The tab of the inspector; `null` is its first choice. */
  readonly tab: string | null;
  /** The run to set beside it there. */
  readonly compare: string | null;
  /** Dialogs that can be linked to. */
  readonly dialog: "models" | null;
}

export const HOME: View = {
  thread: null,
  run: null,
  task: null,
  inspect: false,
  tab: null,
  compare: null,
  dialog: null,
};

export function parseView(search: string): View {
  const query = new URLSearchParams(search);
  return {
    thread: query.get("thread") || null,
    run: query.get("run") || null,
    task: query.get("task") || null,
    inspect: query.get("inspect") === "1",
    tab: query.get("tab") || null,
    compare: query.get("compare") || null,
    dialog: query.get("dialog") === "models" ? "models" : null,
  };
}

export function addressOf(view: View): string {
  const query = new URLSearchParams();
  if (view.thread !== null) query.set("thread", view.thread);
  if (view.run !== null) query.set("run", view.run);
  if (view.task !== null) query.set("task", view.task);
  if (view.inspect) query.set("inspect", "1");
  if (view.tab !== null) query.set("tab", view.tab);
  if (view.compare !== null) query.set("compare", view.compare);
  if (view.dialog !== null) query.set("dialog", view.dialog);
  const text = query.toString();
  return text === "" ? "/" : `/?${text}`;
}

const view = writable<View>(HOME);
export const location: Readable<View> = view;

/** Starts to follow the address bar. Gives back how to stop. */
export function followAddress(): () => void {
  const read = (): void => view.set(parseView(window.location.search));
  read();
  window.addEventListener("popstate", read);
  return () => window.removeEventListener("popstate", read);
}

/**
 * Goes to a view; `replace` leaves no step in the history (for what a person would not call a step). Another thread or
 * turn has other tasks, so the chosen one is left behind.
 */
export function go(change: Partial<View>, how: "push" | "replace" = "push"): void {
  const before = view.get();
  const elsewhere =
    (change.thread !== undefined && change.thread !== before.thread) ||
    (change.run !== undefined && change.run !== before.run);
  const next = { ...before, ...(elsewhere ? { task: null, compare: null } : {}), ...change };
  const address = addressOf(next);
  if (address === addressOf(before)) return;
  window.history[how === "push" ? "pushState" : "replaceState"](null, "", address);
  view.set(next);
}

export function openThread(thread: string | null): void {
  go({ thread, run: null, task: null, inspect: view.get().inspect && thread !== null, dialog: null });
}
