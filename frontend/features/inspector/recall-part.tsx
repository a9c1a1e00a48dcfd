"use client";

import { RecallReasons, ScoreBar } from "@/components/recall-reasons";
import { FileOrMemoryLink } from "@/features/inspector/memory-link";
import { useShown } from "@/features/inspector/use-lens";
import { plural } from "@/lib/format";
import type { PassedOver, RecalledMemory } from "@/lib/protocol";
import { factsOfRecalled } from "@/lib/recall-reasons";
import { MEMORY, type NewsOfRecall, newsOf, type RecallState } from "@/lib/recall-state";
import { isBoard, lookedWords, missedWords, WORDS_ONLY } from "@/lib/recall-words";

/** The looks of one agent into memory: for what, what came, what was left out. */
export function RecallPart({ recalls }: { recalls: readonly RecallState[] }) {
  return (
    <ol className="space-y-5">
      {newsOf(recalls).map((news) => (
        <li key={news.recall.seq}>
          <Look news={news} />
        </li>
      ))}
    </ol>
  );
}

function Look({ news: { recall, fresh, before } }: { news: NewsOfRecall }) {
  const best = Math.max(0, ...recall.hits.map(({ score }) => score));
  return (
    <div data-slot="recall" data-call={recall.callId || undefined} className="space-y-2.5">
      <div className="space-y-0.5">
        {isBoard(recall) ? (
          <p className="text-[13px] text-muted-foreground">Read the team’s board</p>
        ) : (
          <>
            <Query text={recall.query} />
            <p className="text-faint-foreground text-xs tabular-nums">{lookedWords(recall)}</p>
          </>
        )}
        {recall.dense || isBoard(recall) ? null : (
          <p data-slot="words-only" className="text-caution text-xs">
            {WORDS_ONLY}
          </p>
        )}
      </div>
      {fresh.length === 0 && before === 0 ? (
        <p className="text-[13px] text-muted-foreground">Nothing of what was found was given to the agent.</p>
      ) : null}
      <ul className="space-y-3">
        {fresh.map((hit) => (
          <li key={hit.id}>
            <Hit hit={hit} best={best} />
          </li>
        ))}
      </ul>
      {before > 0 ? (
        <p className="text-faint-foreground text-xs">
          {fresh.length > 0 ? "And still" : "Still"} the {plural(before, "memory", "memories")} that it was
          given before.
        </p>
      ) : null}
      {recall.missed.length > 0 ? <Missed missed={recall.missed} /> : null}
    </div>
  );
}

function Query({ text }: { text: string }) {
  return (
    <p
      dir="auto"
      data-slot="recall-query"
      title={text}
      className="line-clamp-2 text-[13px] text-muted-foreground"
    >
      <span className="text-faint-foreground">Looked for</span> “{text.replace(/\s+/g, " ").trim()}”
    </p>
  );
}

function Hit({ hit, best }: { hit: RecalledMemory; best: number }) {
  const changed = useShown((run) =>
    run.mail.some(({ sender, refs }) => sender === MEMORY && refs.includes(hit.id)),
  );
  const facts = factsOfRecalled(hit);
  return (
    <article data-slot="recalled" data-memory={hit.id} className="space-y-1 border-l-2 pl-3 text-[13px]">
      <p className="flex items-center gap-2 text-xs">
        <FileOrMemoryLink hit={hit} className="min-w-0 truncate font-medium" />
        {facts.standing ? null : <ScoreBar score={hit.score} best={best} className="ml-auto shrink-0" />}
      </p>
      <p dir="auto" className="line-clamp-4 whitespace-pre-line break-words leading-5">
        {hit.text}
      </p>
      {changed ? <p className="text-caution text-xs">It was changed while the agent worked.</p> : null}
      <details className="text-xs">
        <summary className="w-fit text-faint-foreground hover:text-foreground">Why it came</summary>
        <RecallReasons facts={facts} className="mt-1" />
      </details>
    </article>
  );
}

/** Best first within each reason, in the order in which the reasons first came. */
function Missed({ missed }: { missed: readonly PassedOver[] }) {
  return (
    <details data-slot="missed" className="group/missed text-xs">
      <summary className="w-fit text-muted-foreground hover:text-foreground">
        {plural(missed.length, "other")} found and left out
      </summary>
      <ul className="mt-2 space-y-2 border-l pl-3">
        {missed.map((one) => (
          <li key={one.id} data-slot="passed-over" data-why={one.why} className="space-y-0.5">
            <p dir="auto" className="line-clamp-2 break-words text-muted-foreground">
              {one.text}
            </p>
            <p className="text-faint-foreground tabular-nums">{missedWords(one)}</p>
          </li>
        ))}
      </ul>
    </details>
  );
}
