/** Light, dark, or as the system has it. The choice is kept; a script in the page's head applies it before paint. */

import { type Readable, writable } from "@/lib/store";

export type Theme = "system" | "light" | "dark";

const STORAGE = "alma.theme";
const store = writable<Theme>("system");
export const theme: Readable<Theme> = store;

/** Runs before the first paint; keep in step with `apply`. */
export const THEME_SCRIPT = `try{var t=localStorage.getItem("${STORAGE}");var d=t==="dark"||(t!=="light"&&matchMedia("(prefers-color-scheme: dark)").matches);document.documentElement.classList.toggle("dark",d)}catch(e){}`;

function apply(): void {
  const choice = store.get();
  const dark =
    choice === "dark" || (choice === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
}

export function followTheme(): () => void {
  try {
    const kept = localStorage.getItem(STORAGE);
    if (kept === "light" || kept === "dark") store.set(kept);
  } catch {
    // Without storage the system's theme it is.
  }
  apply();
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", apply);
  return () => system.removeEventListener("change", apply);
}

export function setTheme(choice: Theme): void {
  store.set(choice);
  apply();
  try {
    if (choice === "system") localStorage.removeItem(STORAGE);
    else localStorage.setItem(STORAGE, choice);
  } catch {
    // The choice holds until the page is closed.
  }
}
