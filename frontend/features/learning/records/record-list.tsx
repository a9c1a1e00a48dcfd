"use client";

import { MessageSquare } from "lucide-react";
import { useEffect } from "react";
import { Button } from "@/components/ui/button";
import { RecordDetail } from "@/features/learning/records/record-detail";
import { COLUMNS, RecordRow } from "@/features/learning/records/record-row";
import { useStore } from "@/hooks/use-store";
import { action } from "@/lib/actions";
import { contextWords, itemWords, WHATS, type WhatInfo, whatOf } from "@/lib/belief-words";
import { cn } from "@/lib/cn";
import { count } from "@/lib/format";
import { formatPlace, type Place } from "@/lib/learning-place";
import { go } from "@/lib/location";
import { itemTexts, MOST_RECORDS, readTexts, records } from "@/lib/records";
import type { RecordList as List } from "@/lib/records-api";

interface RecordListProps {
  what: WhatInfo["id"];
  list: List;
  place: Place;
}

/** The records of a kind, those with the most evidence first; the one that the address names is open. */
export function RecordList({ what, list, place }: RecordListProps) {
  const texts = useStore(itemTexts);
  const items = list.records.map(({ item }) => item);
  const known = items.join("\n");
  const open = place.of.includes(":") ? place.of : null;
  const isElsewhere = open !== null && whatOf(open) === what && !items.includes(open);
  useEffect(() => {
    void readTexts([...known.split("\n"), ...(open === null ? [] : [open])]);
  }, [known, open]);
  const toggle = (item: string): void =>
    go({ item: formatPlace({ ...place, of: item === open ? what : item }) }, "replace");
  return (
    <div data-slot="records" data-what={what}>
      {isElsewhere ? (
        <div data-slot="record-alone" className="pb-4">
          <p className="pb-2 font-medium text-[13px]">{itemWords(open, texts.get(open))}</p>
          <RecordDetail record={null} item={open} context={place.context} text={texts.get(open)} />
        </div>
      ) : null}
      {items.length === 0 ? (
        <Nothing what={what} context={place.context} />
      ) : (
        <>
          <div
            aria-hidden
            className={cn(COLUMNS, "border-b pb-1.5 text-faint-foreground text-xs max-sm:hidden")}
          >
            <span />
            <span title="0 is bad, 1 is good; the bar is where the mean lies with 90 %">
              Reward, with 90 %
            </span>
            <span>Over time</span>
            <span className="text-right">Tasks</span>
            <span className="text-right">Time</span>
            <span className="text-right">Cost</span>
          </div>
          <ul className="divide-y border-b max-sm:border-t">
            {list.records.map((record) => (
              <RecordRow
                key={record.item}
                record={record}
                text={texts.get(record.item)}
                isOpen={open === record.item}
                onToggle={() => toggle(record.item)}
              />
            ))}
          </ul>
        </>
      )}
      {list.total > items.length && items.length < MOST_RECORDS ? (
        <Button
          variant="link"
          size="inline"
          className="mt-3 text-xs"
          data-slot="more-records"
          onClick={() => records.about({ what, context: place.context, limit: MOST_RECORDS })}
        >
          Show {list.total > MOST_RECORDS ? `the first ${MOST_RECORDS}` : `all ${count(list.total)}`}
        </Button>
      ) : null}
    </div>
  );
}

function Nothing({ what, context }: { what: WhatInfo["id"]; context: string }) {
  const none = WHATS.find(({ id }) => id === what)?.none;
  return (
    <div data-slot="no-records" className="max-w-xl space-y-3 border-t py-6 text-sm">
      <p className="text-pretty">{none}</p>
      <p className="text-pretty text-muted-foreground">
        Ask something and say under the answer what it was worth, with a thumb up or down. Each answer then
        speaks for who gave it, and you see here what Alma makes of that.
      </p>
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => action("new-chat")?.run()}>
          <MessageSquare aria-hidden />
          Ask something
        </Button>
        {context === "" ? null : (
          <Button variant="ghost" onClick={() => go({ item: what })}>
            Not only {contextWords(context)}
          </Button>
        )}
      </div>
    </div>
  );
}
