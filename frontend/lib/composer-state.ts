/** What a person has typed and chosen, and not yet sent. What was typed survives a reload of the tab. */

import type { Kind } from "@/lib/protocol";
import { writable } from "@/lib/store";

export interface ComposerState {
  /** By thread id; `new` for the new chat. */
  readonly drafts: Readonly<Record<string, string>>;
  readonly kind: Kind | null;
  readonly model: string | null;
  /** Plans are shown, and wait, before they run. Remembered. */
  readonly approve: boolean;
}

export const composer = writable<ComposerState>({ drafts: {}, kind: null, model: null, approve: false });

const STORAGE = "alma.drafts";
const APPROVE = "alma.approve";

export function setApprove(approve: boolean): void {
  composer.update((state) => ({ ...state, approve }));
  try {
    if (approve) localStorage.setItem(APPROVE, "1");
    else localStorage.removeItem(APPROVE);
  } catch {
    // The choice holds until the page is closed.
  }
}

function keepDrafts(drafts: ComposerState["drafts"]): void {
  composer.update((state) => ({ ...state, drafts }));
  try {
    sessionStorage.setItem(STORAGE, JSON.stringify(drafts));
  } catch {
    // A full or forbidden storage costs only the drafts that a reload would have kept.
  }
}

/** What an earlier page in this tab left unsent; what has been typed since comes first. And what was chosen for good. */
export function restoreComposer(): void {
  try {
    const approve = localStorage.getItem(APPROVE) === "1";
    composer.update((state) => ({ ...state, approve }));
    const kept: unknown = JSON.parse(sessionStorage.getItem(STORAGE) ?? "{}");
    if (typeof kept !== "object" || kept === null) return;
    const texts = Object.entries(kept).filter(([, text]) => typeof text === "string");
    composer.update((state) => ({ ...state, drafts: { ...Object.fromEntries(texts), ...state.drafts } }));
  } catch {
    // See `keepDrafts`.
  }
}

export function draftKey(thread: string | null): string {
  return thread ?? "new";
}

export function setDraft(thread: string | null, text: string): void {
  const { [draftKey(thread)]: _, ...others } = composer.get().drafts;
  keepDrafts(text === "" ? others : { ...others, [draftKey(thread)]: text });
}

/** The new chat has become a thread: what was typed meanwhile goes with it. */
export function moveDraft(thread: string): void {
  const { new: typed = "", ...drafts } = composer.get().drafts;
  if (typed !== "") keepDrafts({ ...drafts, [thread]: typed });
}
