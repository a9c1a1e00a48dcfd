/** What is open in a part of Learning, as the address has it: a thing, and the kind of tasks that it is looked at for. Pure. */

export interface Place {
  /** A kind of things, as `role`, or one of them, as `role:writer`; empty: the first choice. */
  readonly of: string;
  /** Chat, creative, analytical, or `task:` and a role; empty: all tasks. */
  readonly context: string;
}

const MARK = "~";

/** `role:writer`, or of one kind of tasks: `chat~role:writer`. */
export function parsePlace(item: string | null): Place {
  const text = item ?? "";
  const at = text.indexOf(MARK);
  return at < 0 ? { of: text, context: "" } : { of: text.slice(at + 1), context: text.slice(0, at) };
}

export function formatPlace({ of, context }: Place): string | null {
  const text = context === "" ? of : `${context}${MARK}${of}`;
  return text === "" ? null : text;
}
