"use client";

import { useEffect, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import { LessonForm } from "@/features/learning/lessons/lesson-form";
import { LessonRow } from "@/features/learning/lessons/lesson-row";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { count, plural } from "@/lib/format";
import { formatLessonPlace, type LessonPlace, parseLessonPlace } from "@/lib/lesson-words";
import { FIRST_LESSONS, lessons, MOST_LESSONS } from "@/lib/lessons";
import { lessonsApi } from "@/lib/lessons-api";
import { go } from "@/lib/location";
import { session } from "@/lib/session";

const EVERY_MS = 6_000;

/** Answers that were approved, which agents are told as examples where a task is alike. */
export function LessonsPart() {
  const { item } = useView();
  const place = parseLessonPlace(item);
  const { role, query } = place;
  const { value, error } = useStore(lessons.state);
  const roles = useStore(session.roles.state).map(({ name }) => name);
  const [adding, setAdding] = useState(false);
  useEffect(() => {
    void session.roles.load();
    return lessons.follow(EVERY_MS);
  }, []);
  useEffect(() => lessons.about({ role, query, limit: FIRST_LESSONS }), [role, query]);
  const look = (change: Partial<LessonPlace>): void =>
    go({ item: formatLessonPlace({ ...place, ...change }) }, "replace");
  return (
    <>
      <section aria-labelledby="lessons-title" className="space-y-4">
        <div className="space-y-1">
          <h2 id="lessons-title" className="font-medium text-sm">
            Lessons
          </h2>
          <p className="text-[13px] text-muted-foreground">
            Answers you approved. An agent is told the nearest of them as examples when its task is alike,
            weak models above all.
          </p>
        </div>
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-[13px]">
          <Input
            type="search"
            data-slot="lesson-search"
            aria-label="Words in a task or an answer"
            placeholder="Words in a task or an answer"
            maxLength={400}
            value={query}
            onChange={(event) => look({ query: event.target.value })}
            className="max-w-80"
          />
          <span className="flex items-center gap-2">
            <span className="text-muted-foreground">Role</span>
            <Select
              data-slot="lesson-role"
              aria-label="Role"
              value={role}
              onChange={(event) => look({ role: event.target.value })}
            >
              <option value="">All</option>
              {[...new Set([...roles, ...(role === "" ? [] : [role])])].map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </Select>
          </span>
          <Button
            size="sm"
            data-slot="add-lesson"
            aria-expanded={adding}
            className="max-sm:h-9 sm:ml-auto"
            onClick={() => setAdding(!adding)}
          >
            Add by hand
          </Button>
        </div>
        {adding ? (
          <LessonForm
            roles={roles}
            start={{ role: role || (roles[0] ?? ""), task: "", answer: "" }}
            onKeep={async (body) => {
              await lessonsApi.add(body);
              setAdding(false);
              await lessons.load();
            }}
            onCancel={() => setAdding(false)}
          />
        ) : null}
      </section>
      {error === null ? null : (
        <Problem facts={error}>
          <Button size="sm" onClick={() => void lessons.load()}>
            Try again
          </Button>
        </Problem>
      )}
      {value === null ? null : value.reply.lessons.length === 0 ? (
        <p data-slot="no-lessons" className="text-muted-foreground text-sm">
          {query === "" && role === ""
            ? "There are none yet. Give an answer a thumb up, edit one as it should have been, or add one by hand."
            : "None is like that."}
        </p>
      ) : (
        <section aria-label="Approved answers" className="space-y-2">
          <p className="text-muted-foreground text-xs tabular-nums">
            {plural(value.reply.total, "approved answer")}, the newest first
          </p>
          <ul data-slot="lessons" className="divide-y border-y">
            {value.reply.lessons.map((lesson) => (
              <LessonRow key={lesson.id} lesson={lesson} roles={roles} />
            ))}
          </ul>
          {value.reply.total > value.reply.lessons.length && value.query.limit < MOST_LESSONS ? (
            <Button
              variant="link"
              size="inline"
              className="text-xs"
              onClick={() => lessons.about({ role, query, limit: MOST_LESSONS })}
            >
              Show{" "}
              {value.reply.total > MOST_LESSONS
                ? `the newest ${MOST_LESSONS}`
                : `all ${count(value.reply.total)}`}
            </Button>
          ) : null}
        </section>
      )}
    </>
  );
}
