/** Experiments over HTTP, typed. Knows no React. */

import { request } from "@/lib/api";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];
export type Experiment = Schemas["ExperimentReply"];
export type ExperimentState = Experiment["state"];
export type ExperimentStanding = Schemas["StandingReply"];
export type ExperimentCheck = Schemas["CheckReply"];
export type ExperimentBody = Partial<Schemas["ExperimentBody"]>;
export type Results = Schemas["ResultsReply"];
export type Comparison = Schemas["ComparisonReply"];
export type Paired = Schemas["PairedReply"];
export type Figures = Schemas["FiguresReply"];
export type Judged = Schemas["JudgedReply"];
export type Cell = Schemas["CellReply"];
export type CellList = Schemas["CellList"];
export type Pair = Schemas["PairReply"];
export type Better = Schemas["VerdictBody"]["better"];
export type SpecFormat = Schemas["ExperimentBody"]["format"];

const seg = encodeURIComponent;
const at = (id: string, door = ""): string => `/experiments/${seg(id)}${door}`;

export const experimentsApi = {
  list: (signal?: AbortSignal) =>
    request<Schemas["ExperimentList"]>("GET", "/experiments", undefined, signal),
  check: (body: ExperimentBody, signal?: AbortSignal) =>
    request<ExperimentCheck>("POST", "/experiments/check", body, signal),
  create: (body: ExperimentBody) => request<ExperimentStanding>("POST", "/experiments", body),
  dataOf: (threads: string[]) => request<Schemas["DataSetReply"]>("POST", "/experiments/data", { threads }),
  read: (id: string, signal?: AbortSignal) => request<ExperimentStanding>("GET", at(id), undefined, signal),
  remove: (id: string) => request<void>("DELETE", at(id)),
  start: (id: string) => request<ExperimentStanding>("POST", at(id, "/start"), {}),
  pause: (id: string) => request<ExperimentStanding>("POST", at(id, "/pause")),
  cancel: (id: string) => request<ExperimentStanding>("POST", at(id, "/cancel")),
  results: (id: string, signal?: AbortSignal) =>
    request<Results>("GET", at(id, "/results"), undefined, signal),
  runs: (id: string, narrowed: Record<string, string>, signal?: AbortSignal) =>
    request<CellList>("GET", `${at(id, "/runs")}?${new URLSearchParams(narrowed)}`, undefined, signal),
  compare: (a: string, b: string, signal?: AbortSignal) =>
    request<Schemas["ComparedReply"]>("POST", "/experiments/compare", { a, b }, signal),
  promote: (id: string, variant: string) =>
    request<Schemas["PromotedReply"]>("POST", at(id, "/promote"), { variant }),
  /** `skip`: keys of pairs that come last. */
  nextPair: (id: string, skip: readonly string[], signal?: AbortSignal) => {
    const query = new URLSearchParams(skip.slice(-200).map((key) => ["skip", key]));
    return request<Schemas["NextPairReply"]>("GET", `${at(id, "/next-pair")}?${query}`, undefined, signal);
  },
  say: (id: string, key: string, better: Better) =>
    request<Schemas["VerdictReply"]>("POST", at(id, "/verdicts"), { key, better, why: "" }),
};

/** Where a report of it can be downloaded. */
export const reportAddress = (id: string, form: "md" | "csv" | "svg"): string =>
  `/api${at(id, `/report.${form}`)}`;
