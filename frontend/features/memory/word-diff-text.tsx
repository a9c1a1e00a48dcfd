import { diffWords } from "@/lib/word-diff";

/** What left a text and what came into it, word by word. */
export function WordDiff({ from, to }: { from: string; to: string }) {
  return (
    <p dir="auto" data-slot="word-diff" className="whitespace-pre-wrap leading-5 [overflow-wrap:anywhere]">
      {diffWords(from, to).map(({ kind, text }, at) =>
        kind === "same" ? (
          <span key={at}>{text}</span>
        ) : kind === "removed" ? (
          <del key={at} className="rounded-xs bg-destructive-tint text-destructive decoration-destructive/50">
            {text}
          </del>
        ) : (
          <ins key={at} className="rounded-xs bg-primary-tint text-primary no-underline">
            {text}
          </ins>
        ),
      )}
    </p>
  );
}
