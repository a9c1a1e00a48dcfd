import { Fragment } from "react";

/** A sentence of the server in which what stands between backticks is code. */
export function HintText({ text }: { text: string }) {
  return text.split(/`([^`]+)`/).map((piece, at) =>
    at % 2 === 0 ? (
      <Fragment key={at}>{piece}</Fragment>
    ) : (
      <code key={at} className="rounded bg-muted px-1 font-mono text-[0.92em] text-foreground">
        {piece}
      </code>
    ),
  );
}
