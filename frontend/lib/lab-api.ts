/** What the learning lab takes and gives, typed. Knows no React. */

import { request } from "@/lib/api";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];

export type Lab = Schemas["LabReply"];
export type LabWorld = Schemas["LabWorldReply"];
export type LabPolicy = Schemas["LabPolicyReply"];
export type Curves = Schemas["CurvesReply"];
export type Band = Schemas["BandReply"];
export type LabRun = Schemas["LabRunReply"];
export type LabRunBody = Schemas["LabRunBody"];

export const labApi = {
  read: (signal?: AbortSignal) => request<Lab>("GET", "/learning/lab", undefined, signal),
  /** Takes up to half a minute; ends when `signal` says so. */
  run: (body: LabRunBody, signal?: AbortSignal) => request<LabRun>("POST", "/learning/lab/run", body, signal),
};
