/** The JSON API, typed. Errors are problem details (RFC 9457) and become `ApiProblem`; knows no React. */

import type { SpendScope } from "@/lib/budget-words";
import { keptOutside } from "@/lib/entry";
import { heldBack } from "@/lib/limits";
import type { ErrorFacts, ThreadSummary } from "@/lib/protocol";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];

export type ThreadList = Schemas["ThreadList"];
export type ModelList = Schemas["ModelsReply"];
export type ModelInfo = Schemas["ModelReply"];
export type EndpointInfo = Schemas["EndpointReply"];
/** US dollars per million tokens; 0: none is known, or it is free. */
export type Price = Schemas["PriceReply"];
export type NewEndpoint = Schemas["NewEndpoint"];
/** Of a connected endpoint by its name, or of one by its address. */
export type EndpointToTest = Schemas["EndpointTest"];
export type EndpointTest = Schemas["TrialReply"];
export type CacheReport = Schemas["CacheReply"];
export type CacheChange = Schemas["CacheChoice"];
export type FoundServer = Schemas["FoundList"]["found"][number];
export type ProbeReport = Schemas["ProbeReply"];
export type Catalog = Schemas["CatalogReply"];
export type CatalogModel = Schemas["CatalogEntry"];
export type PromptReport = Schemas["PromptReply"];
export type UsedOf = Schemas["UsedReply"];
export type DaySpend = SpendReply["days"][number];
export type ModelSpend = Schemas["ModelSpendReply"];
export type ScopeSpend = Scoped<Schemas["ScopeReply"]>;
export type Spend = Omit<SpendReply, "scopes"> & { scopes: ScopeSpend[] };
/** 0: no limit; what is absent stays as it is. */
export type BudgetChange = Scoped<Schemas["BudgetChange"]>;
type SpendReply = Schemas["SpendReply"];
type Scoped<Body> = Omit<Body, "scope"> & { scope: SpendScope };
/** A role; only what the page shows of it is typed. */
export interface AgentInfo {
  name: string;
  purpose: string;
  /** Absent: the server has not been asked yet. */
  memory?: Pick<Schemas["MemoryReply"], "recall">;
  /** Of its file; absent: as above. */
  version?: string;
}
/** A journal entry as stored; only what every entry has is typed. */
export interface EntryRecord {
  seq: number;
  entry: { type: string; at: number } & Record<string, unknown>;
}

/** What the server, or the way to it, had against a request: a sentence and, if there is one, a hint. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly facts: ErrorFacts,
  ) {
    super(facts.message);
    this.name = "ApiProblem";
  }
}

export async function problemOf(response: Response): Promise<ApiProblem> {
  let body: Record<string, unknown> = {};
  try {
    const parsed: unknown = await response.json();
    if (typeof parsed === "object" && parsed !== null) body = parsed as Record<string, unknown>;
  } catch {
    // Not JSON: something between us and the server answered.
  }
  const word = (key: string): string | undefined => {
    const value = body[key];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const retryAfterS = Number(response.headers.get("retry-after"));
  const limit =
    response.status === 429 && retryAfterS > 0 ? { policy: "", quota: 0, windowS: 0, retryAfterS } : null;
  const facts = {
    code: word("code") ?? `http_${response.status}`,
    message: word("detail") ?? word("title") ?? `The server answered ${response.status}.`,
    expected: word("expected"),
    actual: word("actual"),
    hint: word("hint"),
    ...(limit === null ? {} : { limit }),
  };
  if (response.status === 401) keptOutside(facts);
  return new ApiProblem(response.status, facts);
}

export function unreachable(): ApiProblem {
  return new ApiProblem(0, {
    code: "unreachable",
    message: "The server cannot be reached.",
    hint: "Is Alma still running? Start it with `alma serve`.",
  });
}

/**
 * Asks the server. A body is sent as JSON; a `Blob` or a file as it is, under its own media type. What is only read is
 * asked again where it was too soon.
 */
export async function request<T>(
  method: string,
  path: string,
  body?: object,
  signal?: AbortSignal,
): Promise<T> {
  const isRaw = body === undefined || body instanceof Blob;
  let response: Response;
  try {
    response = await fetch(`/api${path}`, {
      method,
      signal,
      headers: isRaw ? {} : { "content-type": "application/json" },
      body: isRaw ? body : JSON.stringify(body),
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw unreachable();
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (method !== "GET" || !(await heldBack(problem.facts))) throw problem;
    if (signal?.aborted) throw new DOMException("stopped", "AbortError");
    return request(method, path, body, signal);
  }
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const seg = encodeURIComponent;

export const api = {
  threads: (search: string, before: number | null, signal?: AbortSignal) => {
    const query = new URLSearchParams({ limit: "50" });
    if (search !== "") query.set("search", search);
    if (before !== null) query.set("before", String(before));
    return request<ThreadList>("GET", `/threads?${query}`, undefined, signal);
  },
  thread: (id: string) => request<ThreadSummary>("GET", `/threads/${seg(id)}`),
  renameThread: (id: string, title: string) =>
    request<ThreadSummary>("PATCH", `/threads/${seg(id)}`, { title }),
  deleteThread: (id: string) => request<void>("DELETE", `/threads/${seg(id)}`),
  entries: (runId: string, after: number, signal?: AbortSignal) =>
    request<{ entries: EntryRecord[] }>(
      "GET",
      `/runs/${seg(runId)}/entries?after=${after}`,
      undefined,
      signal,
    ),
  prompt: (runId: string, messageId: string) =>
    request<PromptReport>("GET", `/runs/${seg(runId)}/prompt?message=${seg(messageId)}`),
  agents: () => request<{ agents: AgentInfo[] }>("GET", "/agents"),
  /** Who we are to the server; it says so to everybody. */
  session: () => request<Schemas["SessionReply"]>("GET", "/session"),
  models: () => request<ModelList>("GET", "/models"),
  setDefaultModel: (model: string) => request<ModelList>("PUT", "/models/default", { model }),
  discover: () => request<{ found: FoundServer[] }>("GET", "/models/discover"),
  addEndpoint: (endpoint: NewEndpoint) => request<ModelList>("POST", "/endpoints", endpoint),
  testEndpoint: (endpoint: EndpointToTest) => request<EndpointTest>("POST", "/endpoints/test", endpoint),
  removeEndpoint: (name: string) => request<ModelList>("DELETE", `/endpoints/${seg(name)}`),
  testModel: (model: string) => request<ProbeReport>("POST", "/models/test", { model }),
  spend: (threadId: string | null) =>
    request<Spend>("GET", `/spend${threadId === null ? "" : `?thread=${seg(threadId)}`}`),
  setBudget: (change: BudgetChange) => request<Spend>("PUT", "/budgets", change),
  cache: () => request<CacheReport>("GET", "/cache"),
  setCache: (change: CacheChange) => request<CacheReport>("PUT", "/cache", change),
  clearCache: () => request<CacheReport>("DELETE", "/cache"),
  catalog: () => request<Catalog>("GET", "/models/catalog"),
  pull: (repo: string, file: string) => request<{ id: string }>("POST", "/models/pull", { repo, file }),
  cancelPull: (id: string) => request<void>("DELETE", `/models/pull/${seg(id)}`),
  loadGguf: (path: string) => request<ModelList>("POST", "/models/gguf", { path }),
};

/** The words of any failure, fit for a person. */
export function factsOf(cause: unknown): ErrorFacts {
  if (cause instanceof ApiProblem) return cause.facts;
  if (cause instanceof Error && "facts" in cause) return cause.facts as ErrorFacts;
  return { code: "unexpected", message: cause instanceof Error ? cause.message : String(cause) };
}
