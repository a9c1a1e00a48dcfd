/** The chats in which a person has closed the inspector: there it does not open by itself. Survives a reload of the tab. */

const STORAGE = "alma.inspector.closed";
let closed: Set<string> | null = null;

function read(): Set<string> {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(STORAGE) ?? "[]");
    return new Set(Array.isArray(kept) ? kept.filter((id) => typeof id === "string") : []);
  } catch {
    return new Set();
  }
}

export function isDeclined(thread: string): boolean {
  closed ??= read();
  return closed.has(thread);
}

export function setDeclined(thread: string, declined: boolean): void {
  if (isDeclined(thread) === declined) return;
  closed ??= new Set();
  if (declined) closed.add(thread);
  else closed.delete(thread);
  try {
    sessionStorage.setItem(STORAGE, JSON.stringify([...closed]));
  } catch {
    // It holds until the page is closed.
  }
}
