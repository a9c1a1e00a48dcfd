/** The approved answers that are looked at. Knows no React. */

import { type LessonList, lessonsApi } from "@/lib/lessons-api";
import { Asked } from "@/lib/records";

export interface LessonQuery {
  readonly role: string;
  readonly query: string;
  readonly limit: number;
}

export const FIRST_LESSONS = 50;
export const MOST_LESSONS = 200;

export const lessons = new Asked<LessonQuery, LessonList>(
  { role: "", query: "", limit: FIRST_LESSONS },
  ({ role, query, limit }, signal) => lessonsApi.list(role, query, limit, signal),
);
