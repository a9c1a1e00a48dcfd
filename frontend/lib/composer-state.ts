/** What a person has typed and chosen, and not yet sent. What was typed survives a reload of the tab. */

import type { Kind } from "@/lib/protocol";
import type { Limits } from "@/lib/run-state";
import { writable } from "@/lib/store";

export interface ModelChoice {
  /** `null`: the default. */
  readonly model: string | null;
  /** The newest turn when it was chosen; a newer one takes its place. */
  readonly after: string | null;
}

export interface ComposerState {
  /** By thread id; `new` for the new chat. */
  readonly drafts: Readonly<Record<string, string>>;
  readonly kind: Kind | null;
  /** Which model a person chose for a chat; by thread id, `new` for the new chat. */
  readonly choices: Readonly<Record<string, ModelChoice>>;
  /** What the next run may use at most; 0: as everywhere. */
  readonly limits: Limits;
  /** The next answer is made anew, whatever the cache has. */
  readonly fresh: boolean;
  /** Plans are shown, and wait, before they run. Remembered. */
  readonly approve: boolean;
}

export const NO_LIMITS: Limits = { tokens: 0, seconds: 0, money: 0 };

export const composer = writable<ComposerState>({
  drafts: {},
  kind: null,
  choices: {},
  limits: NO_LIMITS,
  fresh: false,
  approve: false,
});

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

/** What was chosen for one message only is forgotten when it is sent. */
export function sent(): void {
  composer.update((state) => ({ ...state, kind: null, limits: NO_LIMITS, fresh: false }));
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

export function chooseModel(thread: string | null, choice: ModelChoice): void {
  composer.update((state) => ({
    ...state,
    choices: { ...state.choices, [draftKey(thread)]: choice },
  }));
}

/** A new chat begins with the default, whatever was chosen for one that was not begun. */
export function forgetNewChoice(): void {
  const { new: chosen, ...choices } = composer.get().choices;
  if (chosen !== undefined) composer.update((state) => ({ ...state, choices }));
}

/** The model that answers next, `null` the default: what was chosen since the newest turn, else what that one asked for. */
export function nextModel(
  choice: ModelChoice | undefined,
  newest: { readonly id: string; readonly model: string | null } | null,
): string | null {
  if (choice !== undefined && choice.after === (newest?.id ?? null)) return choice.model;
  return newest?.model ?? null;
}

/** The new chat has become a thread: what was typed and chosen meanwhile goes with it. */
export function moveDraft(thread: string): void {
  const choice = composer.get().choices.new;
  if (choice !== undefined) chooseModel(thread, choice);
  forgetNewChoice();
  const { new: typed = "", ...drafts } = composer.get().drafts;
  if (typed !== "") keepDrafts({ ...drafts, [thread]: typed });
}
