"use client";

import { useEffect } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { PreferencePanel } from "@/features/learning/records/preference-panel";
import { RecordList } from "@/features/learning/records/record-list";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { contextsOf, contextWords, WHATS, whatOf } from "@/lib/belief-words";
import { cn } from "@/lib/cn";
import { formatPlace, type Place, parsePlace } from "@/lib/learning-place";
import { go } from "@/lib/location";
import { FIRST_RECORDS, records } from "@/lib/records";
import { session } from "@/lib/session";

const EVERY_MS = 5_000;

/** What is believed of agents, models and all that has a record, why, and what learning may do. */
export function RecordsPart() {
  const { item } = useView();
  const place = parsePlace(item);
  const what = whatOf(place.of);
  const { value, error } = useStore(records.state);
  useEffect(() => {
    records.about({ what, context: place.context, limit: FIRST_RECORDS });
    return records.follow(EVERY_MS);
  }, [what, place.context]);
  const isNews = value?.query.what === what && value.query.context === place.context;
  return (
    <>
      <PreferencePanel />
      <section aria-label="Records" className="space-y-3">
        <Chooser place={place} />
        {error !== null && (value === null || !isNews) ? (
          <Problem facts={error}>
            <Button size="sm" onClick={() => void records.load()}>
              Try again
            </Button>
            {place.context === "" ? null : (
              <Button size="sm" onClick={() => go({ item: formatPlace({ ...place, context: "" }) })}>
                Look at all tasks
              </Button>
            )}
          </Problem>
        ) : null}
        {value === null ? null : (
          <div aria-busy={!isNews} className={cn("transition-opacity duration-100", !isNews && "opacity-45")}>
            <RecordList what={isNews ? what : whatOf(value.query.what)} list={value.reply} place={place} />
          </div>
        )}
      </section>
    </>
  );
}

/** Of what, and for which tasks. */
function Chooser({ place }: { place: Place }) {
  const roles = useStore(session.roles.state);
  useEffect(() => void session.roles.load(), []);
  const what = whatOf(place.of);
  const names = roles.map(({ name }) => name);
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
      <div
        role="group"
        aria-label="Records of"
        className="-ml-2 flex min-w-0 gap-0.5 max-sm:-mr-4 max-sm:overflow-x-auto max-sm:[scrollbar-width:none]"
      >
        {WHATS.map(({ id, label }) => (
          <Button
            key={id}
            size="sm"
            variant="ghost"
            data-slot="record-kind"
            data-kind={id}
            aria-pressed={what === id}
            className={cn("font-normal max-sm:h-9", what === id && "bg-accent text-foreground")}
            onClick={() => go({ item: formatPlace({ ...place, of: id }) })}
          >
            {label}
          </Button>
        ))}
      </div>
      <span className="flex items-center gap-2 text-muted-foreground text-xs sm:ml-auto">
        in
        <Select
          aria-label="Kind of tasks"
          data-slot="record-context"
          className="max-sm:h-9"
          value={place.context}
          onChange={({ target }) => go({ item: formatPlace({ ...place, context: target.value }) })}
        >
          {contextsOf(names, place.context).map((context) => (
            <option key={context} value={context}>
              {contextWords(context)}
            </option>
          ))}
        </Select>
      </span>
    </div>
  );
}
