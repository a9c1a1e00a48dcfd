import { cva } from "class-variance-authority";
import { useEffect } from "react";
import { useStore } from "@/hooks/use-store";
import { type DiffRow, diffRows } from "@/lib/line-diff";
import { titleOfHash, versions } from "@/lib/versions";
import type { VersionDossier } from "@/lib/versions-api";

const line = cva("grid grid-cols-[2.25rem_1rem_minmax(0,1fr)] px-2 max-sm:grid-cols-[1rem_minmax(0,1fr)]", {
  variants: {
    kind: {
      same: "text-muted-foreground",
      removed: "bg-destructive-tint text-foreground",
      added: "bg-primary-tint text-foreground",
      gap: "border-y border-dashed text-faint-foreground",
    } satisfies Record<DiffRow["kind"], string>,
  },
});

/** The lines that differ from what it is compared with, and in them the words. */
export function VersionDiff({ version }: { version: VersionDossier }) {
  const { diff, content, baseContent } = version;
  if (content === baseContent)
    return <p className="text-[13px] text-muted-foreground">It says just what it is compared with.</p>;
  return (
    <div className="space-y-3">
      {diff === "" ? (
        <p className="text-[13px] text-muted-foreground">It is too long to be compared line by line.</p>
      ) : (
        <div
          role="region"
          aria-label="What it changes, line by line"
          tabIndex={0}
          data-slot="version-diff"
          className="max-h-[28rem] overflow-y-auto rounded-md border py-1 font-mono text-xs leading-5"
        >
          {diffRows(diff).map((row, at) => (
            <Row key={at} row={row} />
          ))}
        </div>
      )}
      <ComparedWith version={version} />
      <details className="text-[13px]">
        <summary className="cursor-pointer text-muted-foreground hover:text-foreground">
          The whole text
        </summary>
        <pre
          tabIndex={0}
          data-slot="version-content"
          className="mt-2 max-h-[28rem] overflow-auto whitespace-pre-wrap rounded-md bg-muted p-3 font-mono text-xs leading-5 [overflow-wrap:anywhere]"
        >
          {content}
        </pre>
      </details>
    </div>
  );
}

function ComparedWith({ version: { what, of, base } }: { version: VersionDossier }) {
  const known = useStore(versions.state).value;
  useEffect(() => void versions.load(), []);
  const title = titleOfHash(known, { what, of, hash: base });
  return (
    <p data-slot="compared-with" className="text-muted-foreground text-xs">
      {base === "" ? (
        "Compared with nothing: none acted before it."
      ) : (
        <>
          Compared with {title === "" ? "what acted before it, " : `“${title}”, `}
          <span className="font-mono text-[11px]">{base.slice(0, 12)}</span>.
        </>
      )}
    </p>
  );
}

const SIGNS: Readonly<Record<DiffRow["kind"], string>> = { same: "", removed: "−", added: "+", gap: "" };

function Row({ row: { kind, before, after, parts } }: { row: DiffRow }) {
  if (kind === "gap")
    return (
      <div className={line({ kind })} aria-hidden>
        <span className="col-span-full text-center leading-4">…</span>
      </div>
    );
  return (
    <div data-kind={kind} className={line({ kind })}>
      <span aria-hidden className="select-none pr-2 text-right text-faint-foreground max-sm:hidden">
        {after ?? before}
      </span>
      <span className="select-none">
        <span aria-hidden>{SIGNS[kind]}</span>
        {kind === "same" ? null : <span className="sr-only">{kind}: </span>}
      </span>
      <span dir="auto" className="whitespace-pre-wrap [overflow-wrap:anywhere]">
        {parts.map((part, at) =>
          part.kind === "removed" ? (
            <del key={at} className="rounded-xs bg-destructive/20 decoration-destructive/60">
              {part.text}
            </del>
          ) : part.kind === "added" ? (
            <ins key={at} className="rounded-xs bg-primary/20 no-underline">
              {part.text}
            </ins>
          ) : (
            <span key={at}>{part.text}</span>
          ),
        )}
        {parts.length === 0 ? " " : null}
      </span>
    </div>
  );
}
