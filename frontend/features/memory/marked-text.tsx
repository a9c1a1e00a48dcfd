import { Fragment } from "react";
import { marked } from "@/lib/memory-words";

/** A text in which the words of the search are marked. */
export function MarkedText({ text, words }: { text: string; words: readonly string[] }) {
  return marked(text, words).map(({ text: piece, isHit }, at) =>
    isHit ? (
      <mark key={at} className="rounded-xs bg-primary-tint px-px text-primary">
        {piece}
      </mark>
    ) : (
      <Fragment key={at}>{piece}</Fragment>
    ),
  );
}
