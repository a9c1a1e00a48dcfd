/** What the memory API takes and gives, typed. Knows no React. */

import { request } from "@/lib/api";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];

export type MemoryEntry = Schemas["MemoryEntryReply"];
export type MemoryKind = MemoryEntry["kind"];
export type MemoryScope = MemoryEntry["scope"];
export type MemoryListReply = Schemas["MemoryListReply"];
export type FoundMemory = MemoryListReply["memories"][number];
export type MemoryDetail = Schemas["MemoryDetailReply"];
export type MemoryVersion = MemoryDetail["history"][number];
export type MemoryUse = MemoryDetail["uses"][number];
export type MemoryState = Schemas["MemoryStateReply"];
export type MemoryMap = Schemas["MapReply"];
export type MapPoint = MemoryMap["points"][number];
export type ImportReport = Schemas["ImportReply"];
export type NewMemory = Schemas["NewMemoryBody"];
/** What is left out stays. `version`: the one that was seen. */
export type MemoryChange = Schemas["MemoryChange"];
type ManyReply = Schemas["ManyReply"];
export type AddedMemory = Schemas["AddedReply"];

const seg = encodeURIComponent;

export const EXPORT_ADDRESS = "/api/memories/export?state=any";
const NO_QUERY = new URLSearchParams();

export const memoryApi = {
  state: (signal?: AbortSignal) => request<MemoryState>("GET", "/memory", undefined, signal),
  reindex: () => request<MemoryState>("POST", "/memory/reindex"),
  list: (query: URLSearchParams, signal?: AbortSignal) =>
    request<MemoryListReply>("GET", `/memories?${query}`, undefined, signal),
  add: (memory: NewMemory) => request<AddedMemory>("POST", "/memories", memory),
  read: (id: string, signal?: AbortSignal) =>
    request<MemoryDetail>("GET", `/memories/${seg(id)}`, undefined, signal),
  change: (id: string, change: MemoryChange) => request<MemoryEntry>("PATCH", `/memories/${seg(id)}`, change),
  forget: (id: string) => request<MemoryEntry>("DELETE", `/memories/${seg(id)}`),
  forgetMany: (ids: readonly string[]) => request<ManyReply>("POST", "/memories/forget", { ids }),
  restoreMany: (ids: readonly string[]) => request<ManyReply>("POST", "/memories/restore", { ids }),
  purge: (id: string) => request<MemoryEntry>("DELETE", `/memories/${seg(id)}?purge=true`),
  restore: (id: string) => request<MemoryEntry>("POST", `/memories/${seg(id)}/restore`),
  /** One memory a line, as JSON. */
  import: (lines: string) =>
    request<ImportReport>("POST", "/memories/import", new Blob([lines], { type: "application/x-ndjson" })),
  map: (run: string | null, query: URLSearchParams = NO_QUERY, signal?: AbortSignal) => {
    const asked = new URLSearchParams(query);
    asked.set("limit", "5000");
    if (run !== null) asked.set("run", run);
    return request<MemoryMap>("GET", `/memories/map?${asked}`, undefined, signal);
  },
};
