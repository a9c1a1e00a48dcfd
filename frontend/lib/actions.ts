/** What a person can do from anywhere, by name and by key. Knows no React. */

import { forgetNewChoice } from "@/lib/composer-state";
import { setLayout, toggleRail } from "@/lib/layout";
import { go, location, openThread } from "@/lib/location";
import { setTheme } from "@/lib/theme";

export interface Action {
  readonly id: string;
  readonly label: string;
  /** `mod` is ⌘ on a Mac and Ctrl elsewhere. */
  readonly keys?: string;
  readonly run: () => void;
}

export function focusComposer(): void {
  document.getElementById("composer")?.focus();
}

/** Where one types on what is shown: the page's own search, else the message. */
function focusField(): void {
  const search = document.getElementById("memory-search");
  if (search === null) focusComposer();
  else search.focus();
}

function newChat(): void {
  forgetNewChoice();
  openThread(null);
  setLayout({ drawer: false });
  requestAnimationFrame(focusComposer);
}

/** Opens or closes "Why this answer" for the chosen turn, or the last one. */
export function toggleInspector(): void {
  const view = location.get();
  if (view.inspect) go({ inspect: false }, "replace");
  else if (view.thread !== null) go({ inspect: true });
}

export const ACTIONS: readonly Action[] = [
  { id: "palette", label: "Find anything by name", keys: "mod+k", run: () => setLayout({ palette: true }) },
  { id: "new-chat", label: "New chat", keys: "mod+shift+o", run: newChat },
  { id: "compose", label: "Write a message, or search memory", keys: "/", run: focusField },
  { id: "inspect", label: "Why this answer", keys: "mod+i", run: toggleInspector },
  { id: "rail", label: "Show or hide the list of chats", keys: "mod+b", run: toggleRail },
  { id: "models", label: "Models", keys: "mod+shift+m", run: () => go({ dialog: "models" }) },
  {
    id: "endpoints",
    label: "Endpoints: load and health",
    run: () => go({ dialog: "models", part: "endpoints" }),
  },
  { id: "cache", label: "Answers from the cache", run: () => go({ dialog: "models", part: "cache" }) },
  { id: "memory", label: "Memory", keys: "mod+shift+l", run: () => go({ page: "memory" }) },
  { id: "memory-map", label: "Map of memories", run: () => go({ page: "map" }) },
  { id: "knowledge", label: "Files that Alma has read", run: () => go({ page: "knowledge" }) },
  { id: "dashboard", label: "Dashboard", keys: "mod+shift+d", run: () => go({ page: "dashboard" }) },
  {
    id: "health",
    label: "Health",
    keys: "mod+shift+h",
    run: () => go({ page: "health" }),
  },
  ...["Alerts", "Errors", "Reports"].map((label) => ({
    id: label,
    label,
    run: () => go({ page: "health", part: label.toLowerCase() }),
  })),
  { id: "learning", label: "Learning", keys: "mod+shift+e", run: () => go({ page: "learning" }) },
  {
    id: "learning-records",
    label: "Learning: records of agents and models",
    run: () => go({ page: "learning", part: "records" }),
  },
  {
    id: "learning-router",
    label: "Learning: who gets which tasks",
    run: () => go({ page: "learning", part: "router" }),
  },
  {
    id: "learning-shares",
    label: "Learning: what resources follow",
    run: () => go({ page: "learning", part: "shares" }),
  },
  { id: "spend", label: "Spend and budgets", run: () => go({ dialog: "spend" }) },
  { id: "theme-light", label: "Light theme", run: () => setTheme("light") },
  { id: "theme-dark", label: "Dark theme", run: () => setTheme("dark") },
  { id: "theme-system", label: "Theme of the system", run: () => setTheme("system") },
  { id: "help", label: "Keyboard shortcuts", keys: "?", run: () => setLayout({ help: true }) },
];

export function action(id: string): Action | undefined {
  return ACTIONS.find((each) => each.id === id);
}

function isMac(): boolean {
  return typeof navigator !== "undefined" && /mac|iphone|ipad/i.test(navigator.userAgent);
}

function named(part: string): string {
  return part.length === 1 ? part.toUpperCase() : part;
}

/** `mod+shift+o` as it stands on the keyboard: `⌘⇧O` or `Ctrl+Shift+O`. */
export function keyLabel(keys: string): string {
  const parts = keys.split("+");
  if (isMac()) {
    const mac: Record<string, string> = { mod: "⌘", shift: "⇧" };
    return parts.map((part) => mac[part] ?? named(part)).join("");
  }
  const other: Record<string, string> = { mod: "Ctrl", shift: "Shift" };
  return parts.map((part) => other[part] ?? named(part)).join("+");
}

function matches(keys: string, event: KeyboardEvent): boolean {
  const parts = keys.split("+");
  const key = parts.at(-1) ?? "";
  const mod = event.metaKey || event.ctrlKey;
  if (parts.includes("mod") !== mod || event.altKey) return false;
  if (mod && parts.includes("shift") !== event.shiftKey) return false;
  return event.key.toLowerCase() === key;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Listens for the keys of all actions. Gives back how to stop. */
export function followKeys(): () => void {
  const pressed = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    for (const { keys, run } of ACTIONS) {
      if (keys === undefined || !matches(keys, event)) continue;
      if (!keys.startsWith("mod+") && isTyping(event.target)) continue;
      event.preventDefault();
      run();
      return;
    }
  };
  window.addEventListener("keydown", pressed);
  return () => window.removeEventListener("keydown", pressed);
}
