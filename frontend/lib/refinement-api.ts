/** What the doors to refinement take and give, typed. Knows no React. */

import { request } from "@/lib/api";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];

export type Act = Schemas["ActReply"];
export type Pass = Schemas["PassReply"];
export type PassDetail = Schemas["PassDetailReply"];
export type PassList = Schemas["PassListReply"];
export type Refined = Schemas["RefinementReply"];
export type Contradiction = Schemas["ContradictionReply"];

const seg = encodeURIComponent;
const BASE = "/memory/refinement";

export const refinementApi = {
  preview: (signal?: AbortSignal) => request<Refined>("POST", BASE, { dryRun: true }, signal),
  refine: () => request<Refined>("POST", BASE, {}),
  passes: (before: string, signal?: AbortSignal) =>
    request<PassList>(
      "GET",
      `${BASE}/passes?limit=20${before === "" ? "" : `&before=${seg(before)}`}`,
      undefined,
      signal,
    ),
  pass: (id: string, signal?: AbortSignal) =>
    request<PassDetail>("GET", `${BASE}/passes/${seg(id)}`, undefined, signal),
  undo: (id: string) => request<PassDetail>("POST", `${BASE}/passes/${seg(id)}/undo`, {}),
  undoAct: (id: string, n: number) =>
    request<PassDetail>("POST", `${BASE}/passes/${seg(id)}/acts/${n}/undo`, {}),
  contradictions: (signal?: AbortSignal) =>
    request<Schemas["ContradictionsReply"]>("GET", `${BASE}/contradictions`, undefined, signal),
  /** `holds`: the memory that holds; `null`: all of them do. */
  settle: (key: string, holds: string | null) =>
    request<PassDetail>("POST", `${BASE}/contradictions`, { key, holds }),
};
