"use client";

import { History } from "lucide-react";
import { Button } from "@/components/ui/button";
import { CACHE_NAMES, hitReason, savedWords } from "@/lib/cache-words";
import type { CacheHit } from "@/lib/protocol";
import { session } from "@/lib/session";

interface CacheMarkProps {
  threadId: string;
  runId: string;
  hit: CacheHit;
}

/** The answer was not made anew: what that saved, what it was made for, and a way to have it made. */
export function CacheMark({ threadId, runId, hit }: CacheMarkProps) {
  const saved = savedWords(hit);
  return (
    <p
      data-slot="cache-mark"
      data-source={hit.source}
      className="grid basis-full grid-cols-[auto_1fr] gap-x-2 tabular-nums leading-5"
    >
      <History aria-hidden className="mt-[3px] size-3.5" />
      <span className="min-w-0 break-words">
        {sentence(CACHE_NAMES[hit.source])}
        {saved === null ? "" : ` · saved ${saved}`}. {hitReason(hit)}{" "}
        <Button
          variant="link"
          size="inline"
          data-slot="ask-anew"
          onClick={() => session.retryRun(threadId, runId)}
        >
          Ask anew
        </Button>
      </span>
    </p>
  );
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
