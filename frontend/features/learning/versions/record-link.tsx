"use client";

import type { MouseEvent } from "react";
import { addressOf, go, HOME } from "@/lib/location";
import type { Version } from "@/lib/versions-api";

/** The way to what is believed of a version: of a prompt its record, else those of its notes or ways. */
export function RecordLink({ version: { what, hash } }: { version: Pick<Version, "what" | "hash"> }) {
  const item = what === "prompt" ? `prompt:${hash}` : what === "notes" ? "note" : "arm";
  const clicked = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go({ part: "records", item });
  };
  return (
    <a
      href={addressOf({ ...HOME, page: "learning", part: "records", item })}
      onClick={clicked}
      data-slot="record-link"
      className="text-primary underline decoration-primary/40 underline-offset-3 hover:decoration-primary"
    >
      {what === "prompt" ? "Its record" : "The records"}
    </a>
  );
}
