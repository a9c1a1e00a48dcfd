/** What a person has typed and chosen, and not yet sent: survives going to another thread and back. */

import type { Kind } from "@/lib/protocol";
import { writable } from "@/lib/store";

export interface ComposerState {
  /** By thread id; `new` for the new chat. */
  readonly drafts: Readonly<Record<string, string>>;
  readonly kind: Kind | null;
  readonly model: string | null;
}

export const composer = writable<ComposerState>({ drafts: {}, kind: null, model: null });

export function draftKey(thread: string | null): string {
  return thread ?? "new";
}

export function setDraft(thread: string | null, text: string): void {
  composer.update((state) => ({ ...state, drafts: { ...state.drafts, [draftKey(thread)]: text } }));
}

/** The new chat has become a thread: what was typed meanwhile goes with it. */
export function moveDraft(thread: string): void {
  composer.update((state) => {
    const { new: typed = "", ...drafts } = state.drafts;
    return typed === "" ? state : { ...state, drafts: { ...drafts, [thread]: typed } };
  });
}
