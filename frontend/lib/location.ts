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
  /** The model call that its Context tab looks into (a message id); `null` is the newest. */
  readonly call: string | null;
  /** The run to set beside it there. */
  readonly compare: string | null;
  /** Dialogs that can be linked to. */
  readonly dialog: Dialog | null;
  /** A part of that dialog, or of the page; `null` is its first choice. */
  readonly part: string | null;
  /** The part of the page that a dialog lies over. */
  readonly under: string | null;
  /** What takes the conversation's place: what is remembered as a list or how it is refined, as a map, the files that were read, and how Alma is. */
  readonly page: Page | null;
  /** The memory that is open there. */
  readonly memory: string | null;
  /** What its list is narrowed to, as `lib/memory-query.ts` writes it. */
  readonly find: string | null;
  /** The file that is open there. */
  readonly document: string | null;
  /** What is open in that part of the page: an error, the day of a report, a pass of refinement; of the dashboard the metric that is meant. */
  readonly item: string | null;
  /** Of the dashboard: the time it is about, the part of that which is looked at, and the number whose runs are listed. */
  readonly range: string | null;
  readonly zoom: string | null;
  readonly behind: string | null;
}
type Dialog = "models" | "spend";
export type MemoryPage = "memory" | "map" | "knowledge";
export type Page = MemoryPage | "dashboard" | "health" | "learning";
const PAGES: readonly string[] = ["memory", "map", "knowledge", "dashboard", "health", "learning"];

export const HOME: View = {
  thread: null,
  run: null,
  task: null,
  inspect: false,
  tab: null,
  call: null,
  compare: null,
  dialog: null,
  part: null,
  under: null,
  page: null,
  memory: null,
  find: null,
  document: null,
  item: null,
  range: null,
  zoom: null,
  behind: null,
};

export function parseView(search: string): View {
  const query = new URLSearchParams(search);
  return {
    thread: query.get("thread") || null,
    run: query.get("run") || null,
    task: query.get("task") || null,
    inspect: query.get("inspect") === "1",
    tab: query.get("tab") || null,
    call: query.get("call") || null,
    compare: query.get("compare") || null,
    dialog: dialogOf(query.get("dialog")),
    part: query.get("part") || null,
    under: query.get("under") || null,
    page: pageOf(query.get("page")),
    memory: query.get("memory") || null,
    find: query.get("find") || null,
    document: query.get("document") || null,
    item: query.get("item") || null,
    range: query.get("range") || null,
    zoom: query.get("zoom") || null,
    behind: query.get("behind") || null,
  };
}

function dialogOf(name: string | null): Dialog | null {
  return name === "models" || name === "spend" ? name : null;
}

function pageOf(name: string | null): Page | null {
  return name !== null && PAGES.includes(name) ? (name as Page) : null;
}

export function isMemoryPage(page: Page | null): page is MemoryPage {
  return page === "memory" || page === "map" || page === "knowledge";
}

/** Where `part` and `item` mean something. */
function hasParts({ dialog, page }: View): boolean {
  return dialog !== null || page === "health" || page === "learning" || page === "memory";
}

export function addressOf(view: View): string {
  const query = new URLSearchParams();
  if (view.thread !== null) query.set("thread", view.thread);
  if (view.run !== null) query.set("run", view.run);
  if (view.task !== null) query.set("task", view.task);
  if (view.inspect) query.set("inspect", "1");
  if (view.tab !== null) query.set("tab", view.tab);
  if (view.call !== null) query.set("call", view.call);
  if (view.compare !== null) query.set("compare", view.compare);
  if (view.dialog !== null) query.set("dialog", view.dialog);
  if (hasParts(view) && view.part !== null) query.set("part", view.part);
  if (view.page !== null) {
    query.set("page", view.page);
    if (view.dialog !== null && view.under !== null) query.set("under", view.under);
    if (view.memory !== null) query.set("memory", view.memory);
    if (view.find !== null) query.set("find", view.find);
    if (view.document !== null) query.set("document", view.document);
    if (view.item !== null) query.set("item", view.item);
    if (view.range !== null) query.set("range", view.range);
    if (view.zoom !== null) query.set("zoom", view.zoom);
    if (view.behind !== null) query.set("behind", view.behind);
  }
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
 * turn has other tasks, so the chosen one is left behind; another task has other calls, another page another thing that
 * is open on it, another dialog other parts: those of the page below come back with it.
 */
export function go(change: Partial<View>, how: "push" | "replace" = "push"): void {
  const before = view.get();
  const elsewhere =
    (change.thread !== undefined && change.thread !== before.thread) ||
    (change.run !== undefined && change.run !== before.run);
  const next: { -readonly [Key in keyof View]: View[Key] } = {
    ...before,
    ...(elsewhere ? { task: null, call: null, compare: null } : {}),
    ...change,
  };
  if (change.call === undefined && next.task !== before.task) next.call = null;
  const under = before.dialog === null ? before.part : before.under;
  if (change.part === undefined && (next.dialog !== before.dialog || next.page !== before.page))
    next.part = next.dialog === null && next.page === before.page ? under : null;
  next.under = next.dialog === null || next.page !== before.page ? null : under;
  if (change.memory === undefined && next.page !== before.page) next.memory = null;
  if (change.document === undefined && next.page !== before.page) next.document = null;
  const part = next.dialog === null ? next.part : next.under;
  if (change.item === undefined && (next.page !== before.page || part !== under)) next.item = null;
  if (next.page !== "dashboard") next.range = next.zoom = next.behind = null;
  const address = addressOf(next);
  if (address === addressOf(before)) return;
  window.history[how === "push" ? "pushState" : "replaceState"](null, "", address);
  view.set(next);
}

export function openThread(thread: string | null): void {
  go({
    thread,
    run: null,
    task: null,
    inspect: view.get().inspect && thread !== null,
    dialog: null,
    page: null,
  });
}

/** One memory, with all that is known of it. */
export function openMemory(memory: string): void {
  go({ page: "memory", memory, dialog: null });
}

/** A pass of refinement, with what it did and why; a memory that is open stays so. */
export function openPass(pass: string): void {
  go({ page: "memory", part: "refinement", item: pass, dialog: null });
}

/** All memories as a map; those that the run was reminded of light up. */
export function openMemoryMap(run: string): void {
  go({ page: "map", run, dialog: null });
}
