/** What a list of memories is narrowed to: in the address, for the server, in words. Pure. */

import type { MemoryKind, MemoryScope } from "@/lib/memory-api";

export const MEMORY_KINDS: readonly MemoryKind[] = ["semantic", "episodic", "procedural", "working"];
export const MEMORY_SCOPES: readonly MemoryScope[] = ["owner", "team", "private"];
export const MEMORY_STATES = ["alive", "superseded", "archived", "forgotten", "any"] as const;
export type LifeState = (typeof MEMORY_STATES)[number];
/** Chats and notes, pieces of files, or both. */
export const MEMORY_ORIGINS = ["notes", "files", "all"] as const;
export type Origin = (typeof MEMORY_ORIGINS)[number];

export interface MemoryFilters {
  readonly text: string;
  readonly kinds: readonly MemoryKind[];
  readonly scopes: readonly MemoryScope[];
  readonly agents: readonly string[];
  readonly origin: Origin;
  readonly state: LifeState;
  readonly pinned: boolean;
  /** Of the last so many days; `null`: of any time. */
  readonly days: number | null;
}

export const ALL_MEMORIES: MemoryFilters = {
  text: "",
  kinds: [],
  scopes: [],
  agents: [],
  origin: "notes",
  state: "alive",
  pinned: false,
  days: null,
};

const DAY_S = 86_400;
const TEXT = "text:";

function among<Name extends string>(names: readonly Name[], value: string): Name[] {
  const asked = new Set(value.split(","));
  return names.filter((name) => asked.has(name));
}

/** What one word of the address says; `null` where it is no filter, but text. */
function filterOf(word: string): Partial<MemoryFilters> | null {
  const colon = word.indexOf(":");
  const value = word.slice(colon + 1);
  switch (word.slice(0, colon)) {
    case "kind":
      return { kinds: among(MEMORY_KINDS, value) };
    case "scope":
      return { scopes: among(MEMORY_SCOPES, value) };
    case "agent":
      return { agents: value.split(",").filter((name) => name !== "") };
    case "from":
      return { origin: MEMORY_ORIGINS.find((origin) => origin === value) ?? "notes" };
    case "state":
      return { state: MEMORY_STATES.find((state) => state === value) ?? "alive" };
    case "pinned":
      return { pinned: value === "yes" };
    case "since": {
      const days = Number.parseInt(value, 10);
      return { days: days > 0 ? days : null };
    }
    default:
      return null;
  }
}

/** `kind:semantic,working since:7d porto hotel`: filters first, then text, after `text:` where it could be mistaken. */
export function parseFilters(find: string | null): MemoryFilters {
  let filters = ALL_MEMORIES;
  let rest = find ?? "";
  for (;;) {
    if (rest.startsWith(TEXT)) return { ...filters, text: rest.slice(TEXT.length) };
    const word = /^\S*/.exec(rest)?.[0] ?? "";
    const filter = word === "" ? null : filterOf(word);
    if (filter === null) return { ...filters, text: rest };
    filters = { ...filters, ...filter };
    rest = rest.slice(word.length + 1);
  }
}

/** `null`: nothing is narrowed. */
export function formatFilters(filters: MemoryFilters): string | null {
  const { text, kinds, scopes, agents, origin, state, pinned, days } = filters;
  const words: string[] = [];
  if (kinds.length > 0) words.push(`kind:${kinds.join(",")}`);
  if (scopes.length > 0) words.push(`scope:${scopes.join(",")}`);
  if (agents.length > 0) words.push(`agent:${agents.join(",")}`);
  if (origin !== "notes") words.push(`from:${origin}`);
  if (state !== "alive") words.push(`state:${state}`);
  if (pinned) words.push("pinned:yes");
  if (days !== null) words.push(`since:${days}d`);
  if (text !== "") words.push(/^\s|^[a-z]+:/.test(text) ? `${TEXT}${text}` : text);
  return words.length === 0 ? null : words.join(" ");
}

/** As the server asks for it. `now` in ms. */
export function queryOf(filters: MemoryFilters, now: number): URLSearchParams {
  const query = new URLSearchParams();
  if (filters.text.trim() !== "") query.set("query", filters.text.trim());
  for (const kind of filters.kinds) query.append("kind", kind);
  for (const scope of filters.scopes) query.append("scope", scope);
  for (const agent of filters.agents) query.append("agent", agent);
  if (filters.origin !== "all") query.set("files", String(filters.origin === "files"));
  if (filters.state !== "alive") query.set("state", filters.state);
  if (filters.pinned) query.set("pinned", "true");
  if (filters.days !== null) query.set("since", String(Math.floor(now / 1000) - filters.days * DAY_S));
  return query;
}

/** Whether anything but the text narrows the list. */
export function isNarrowed(filters: MemoryFilters): boolean {
  return formatFilters({ ...filters, text: "" }) !== null;
}

/** What is so of the person who asks: the facts that all agents may know. */
export const ABOUT_ME: Partial<MemoryFilters> = { kinds: ["semantic"], scopes: ["owner"], origin: "notes" };

export function isAboutMe({ kinds, scopes, origin }: MemoryFilters): boolean {
  return kinds.join() === "semantic" && scopes.join() === "owner" && origin === "notes";
}
