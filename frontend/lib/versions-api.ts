/** Versions of what learning may change, over HTTP, typed. Knows no React. */

import { request } from "@/lib/api";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];
export type Version = Schemas["VersionList"]["versions"][number];
export type VersionDossier = Schemas["VersionDossier"];
export type Evidence = Schemas["EvidenceReply"];
export type Guard = Schemas["GuardReply"];
export type Tried = Schemas["TriedReply"];
export type Watch = Schemas["WatchReply"];
export type CoursePoint = Evidence["course"][number];
export type HistoryStep = VersionDossier["history"][number];
export type What = Version["what"];
export type Stage = Version["stage"];
export type TrialStage = NonNullable<Schemas["TrialStart"]["stage"]>;
export type Drafted = Schemas["DraftReply"];
export type ReflectBody = Schemas["Reflect"];
export type DistilBody = Schemas["Distil"];

const seg = encodeURIComponent;
const at = (id: string, door = ""): string => `/learning/versions/${seg(id)}${door}`;

export const versionsApi = {
  list: (signal?: AbortSignal) =>
    request<Schemas["VersionList"]>("GET", "/learning/versions", undefined, signal),
  read: (id: string, signal?: AbortSignal) => request<VersionDossier>("GET", at(id), undefined, signal),
  make: (body: Schemas["NewVersion"]) => request<Version>("POST", "/learning/versions", body),
  change: (id: string, content: string, title: string) => request<Version>("PUT", at(id), { content, title }),
  remove: (id: string) => request<void>("DELETE", at(id)),
  start: (id: string, stage: TrialStage) => request<Version>("POST", at(id, "/start"), { stage }),
  stop: (id: string) => request<Version>("POST", at(id, "/stop"), {}),
  promote: (id: string) => request<Version>("POST", at(id, "/promote"), {}),
  revert: (id: string, to: "before" | "file") => request<Version>("POST", at(id, "/revert"), { to }),
  keep: (id: string) => request<Version>("POST", at(id, "/keep")),
  setShare: (id: string, share: number) => request<Version>("PUT", at(id, "/share"), { share }),
  reflect: (body: ReflectBody) => request<Drafted>("POST", "/learning/reflect", body),
  distil: (body: DistilBody) => request<Drafted>("POST", "/learning/distil", body),
  /** The role's file, word for word. */
  source: async (role: string): Promise<string> =>
    (await request<Schemas["AgentSourceReply"]>("GET", `/agents/${seg(role)}`)).source,
};
