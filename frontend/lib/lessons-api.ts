/** Approved answers that agents are told as examples, over HTTP, typed. Knows no React. */

import { request } from "@/lib/api";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];
export type Lesson = Schemas["LessonReply"];
export type LessonList = Schemas["LessonList"];
export type LessonChange = Schemas["LessonChange"];
export type NewLesson = Schemas["NewLesson"];

const at = (id: string): string => `/learning/lessons/${encodeURIComponent(id)}`;

export const lessonsApi = {
  list: (role: string, query: string, limit: number, signal?: AbortSignal) => {
    const words = new URLSearchParams({ role, query, limit: String(limit) });
    return request<LessonList>("GET", `/learning/lessons?${words}`, undefined, signal);
  },
  add: (body: NewLesson) => request<Lesson>("POST", "/learning/lessons", body),
  change: (id: string, change: LessonChange) => request<Lesson>("PATCH", at(id), change),
  remove: (id: string) => request<void>("DELETE", at(id)),
};
