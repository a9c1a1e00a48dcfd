/** What is believed of everything that has a record, and why; what the owner chose for learning. Typed; knows no React. */

import { request } from "@/lib/api";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];
export type LearningRecord = Schemas["RecordReply"];
export type RecordList = Schemas["RecordList"];
export type CurvePoint = LearningRecord["curve"][number];
export type Why = Schemas["WhyList"];
export type WhyRun = Schemas["WhyReply"];
export type HeardSignal = Schemas["HeardReply"];
export type Preferences = Schemas["LearningReply"];
export type PreferenceChange = Schemas["LearningBody"];
export type SignalRow = Schemas["SignalReply"];

export const recordsApi = {
  list: (what: string, context: string, limit: number, signal?: AbortSignal) => {
    const query = new URLSearchParams({ what, context, limit: String(limit) });
    return request<RecordList>("GET", `/learning/records?${query}`, undefined, signal);
  },
  why: (item: string, context: string, limit: number, signal?: AbortSignal) => {
    const query = new URLSearchParams({ item, context, limit: String(limit) });
    return request<Why>("GET", `/learning/why?${query}`, undefined, signal);
  },
  preferences: (signal?: AbortSignal) => request<Preferences>("GET", "/learning", undefined, signal),
  change: (wanted: PreferenceChange) => request<Preferences>("PUT", "/learning", wanted),
  lessons: () => request<Schemas["LessonList"]>("GET", "/learning/lessons?limit=200"),
};
