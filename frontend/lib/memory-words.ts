/** Memories in words: what they are, how old, where from, what happened to them. Pure. */

import { count, plural } from "@/lib/format";
import type { MemoryEntry, MemoryKind, MemoryScope, MemoryState, MemoryVersion } from "@/lib/memory-api";
import type { LifeState, Origin } from "@/lib/memory-query";
import { shown } from "@/lib/visible-text";

export const KIND_NAMES: Readonly<Record<MemoryKind, string>> = {
  semantic: "Fact",
  episodic: "Episode",
  procedural: "Way of working",
  working: "In work",
};
export const KIND_HINTS: Readonly<Record<MemoryKind, string>> = {
  semantic: "What is so: facts, and what you like.",
  episodic: "What happened, and what came of it.",
  procedural: "How things are to be done.",
  working: "What agents note for the task at hand.",
};
export const SCOPE_NAMES: Readonly<Record<MemoryScope, string>> = {
  owner: "About you",
  team: "For all agents",
  private: "One agent’s own",
};
export const STATE_NAMES: Readonly<Record<LifeState, string>> = {
  alive: "Held now",
  superseded: "Replaced",
  archived: "Archived",
  forgotten: "Forgotten",
  any: "All",
};
export const ORIGIN_NAMES: Readonly<Record<Origin, string>> = {
  notes: "Chats and notes",
  files: "Pieces of files",
  all: "Both",
};
export const SINCE: readonly { days: number | null; name: string }[] = [
  { days: null, name: "Any time" },
  { days: 1, name: "Last day" },
  { days: 7, name: "Last 7 days" },
  { days: 30, name: "Last 30 days" },
  { days: 365, name: "Last year" },
];

export const USER = "user";

/** A role as people call it: `user` is the person who reads this. */
export function authorWords(agent: string): string {
  return agent === USER ? "you" : agent;
}

/** By whom a memory is, as people take it: what they said is theirs, whichever agent keeps it. */
export function authorOf({ agent, speaker }: { agent: string; speaker: string }): string {
  return speaker === USER ? USER : agent;
}

/** What is said after forgetting. It must be true: the words of a chat stay in the chat. */
export function forgottenWords(memories: number, isFromChat: boolean): string {
  if (memories > 1) return `${count(memories)} memories are forgotten. They are not recalled any more.`;
  const chat = isFromChat ? " The chat it came from still has your words." : "";
  return `It is not recalled any more.${chat}`;
}

/** Of a file nobody is the author: it was read. */
export function isOfFile({ source }: MemoryEntry): boolean {
  return source.documentId !== "";
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** `now`, `4 min ago`, `3 h ago`, `yesterday`, `5 days ago`, `12 Oct`, `12 Oct 2024`. Seconds, and our clock in ms. */
export function ago(seconds: number, now: number): string {
  const age = now / 1000 - seconds;
  if (age < MINUTE) return "now";
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h ago`;
  if (age < 2 * DAY) return "yesterday";
  if (age < 7 * DAY) return `${Math.floor(age / DAY)} days ago`;
  return dateWords(seconds, now);
}

/** `12 Oct`; with the year where it is another. */
export function dateWords(seconds: number, now: number): string {
  const date = new Date(seconds * 1000);
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  const year = isThisYear ? undefined : "numeric";
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year });
}

/** `12 October 2026, 14:03` */
export function exactTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
  return `${day}, ${date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
}

/** `handbook.pdf, page 3`, `chat “Trip to Porto”`, `you`, `written by analyst`. `title`: of its chat, where known. */
export function sourceWords({ source, agent }: MemoryEntry, title: string | undefined): string {
  const { file, place } = source;
  if (file !== "") return shown(place === "" ? file : `${file}, ${place}`);
  if (source.threadId !== "") return title ? `chat “${shown(title)}”` : "a chat";
  return agent === USER ? "added by you" : `noted by ${agent}`;
}

/** What became of it, where it no longer holds or is no longer recalled; `null`: it holds and is. */
export function lifeOf(memory: MemoryEntry): "superseded" | "archived" | "forgotten" | null {
  if (memory.forgottenAt !== null) return "forgotten";
  if (memory.validTo !== null) return "superseded";
  return memory.archivedAt === null ? null : "archived";
}

/** How much it helped, from what was said of the answers that it was in. */
export function utilityWords(utility: number): string {
  if (utility >= 0.5) return "helped much";
  if (utility >= 0.1) return "helped";
  if (utility > -0.1) return "no word yet on whether it helped";
  return utility > -0.5 ? "helped little" : "misled";
}

/** A text of a list as it is shown: without the signs of Markdown, which nobody reads as such there. */
export function plain(text: string): string {
  return shown(text)
    .replace(/^ {0,3}(?:#{1,6}|>)[ \t]+/gm, "")
    .replace(/(\*\*\*|\*\*|__)(?=\S)(.+?)(?<=\S)\1/gs, "$2")
    .replace(/(?<!\w)(\*\*|__)(?=\S)|(?<=\S)\*\*(?!\w)/g, "")
    .replace(/`+([^`]+)`+/g, "$1");
}

export interface Marked {
  readonly text: string;
  readonly isHit: boolean;
}

/** The text in pieces, those that begin like one of the words apart. */
export function marked(text: string, words: readonly string[]): Marked[] {
  const asked = words.map((word) => word.toLowerCase()).filter((word) => word.length > 1);
  if (asked.length === 0) return [{ text, isHit: false }];
  const pieces: Marked[] = [];
  let plain = 0;
  for (const { 0: word, index } of text.matchAll(/[\p{L}\p{N}]+/gu)) {
    const lower = word.toLowerCase();
    if (!asked.some((other) => lower.startsWith(other))) continue;
    if (index > plain) pieces.push({ text: text.slice(plain, index), isHit: false });
    pieces.push({ text: word, isHit: true });
    plain = index + word.length;
  }
  if (plain < text.length) pieces.push({ text: text.slice(plain), isHit: false });
  return pieces;
}

/** The words of a search that are worth marking. */
export function wordsOf(query: string): string[] {
  return query.match(/[\p{L}\p{N}]{3,}/gu) ?? [];
}

const WHAT: Readonly<Record<string, string>> = {
  added: "Kept",
  merged: "Heard again",
  edited: "Changed",
  superseded: "Replaced",
  forgotten: "Forgotten",
  restored: "Restored",
  archived: "Archived",
  promoted: "Made a fact",
  demoted: "Made an episode again",
};

/** One field of a change, from what it was to what it became. */
export interface FieldChange {
  readonly field: "text" | "kind" | "scope" | "key" | "pinned";
  readonly from: string;
  readonly to: string;
}

export interface HistoryStep {
  readonly version: number;
  readonly at: number;
  /** `Changed by you` */
  readonly words: string;
  /** The pass of refinement that did it, or that was taken back by it. */
  readonly pass: string | null;
  readonly fields: readonly FieldChange[];
}

const FIELDS = ["text", "kind", "scope", "key", "pinned"] as const;

function said(field: FieldChange["field"], value: unknown): string {
  if (field === "pinned") return value === true ? "pinned" : "not pinned";
  if (field === "kind") return KIND_NAMES[value as MemoryKind] ?? String(value);
  if (field === "scope") return SCOPE_NAMES[value as MemoryScope] ?? String(value);
  return typeof value === "string" ? shown(value) : "";
}

/** `Archived by refinement`, and where that was taken back, so. */
function stepWords(what: string, by: string): string {
  const pass = passOf(by);
  if (pass?.isUndone) return `${WHAT[what] ?? what}, as you took refinement back`;
  return `${WHAT[what] ?? what} by ${pass === null ? authorWords(by) : "refinement"}`;
}

/** The pass that the history of a memory names as who did it; `null`: somebody else did. */
export function passOf(by: string): { readonly id: string; readonly isUndone: boolean } | null {
  const [, how, id] = /^(refinement|undo):(p_[0-9a-z]+)$/.exec(by) ?? [];
  return id === undefined ? null : { id, isUndone: how === "undo" };
}

/** What happened to a memory, the newest first. Each change keeps what was before; what came of it is what was next. */
export function historyOf(memory: MemoryEntry, history: readonly MemoryVersion[]): HistoryStep[] {
  const after: Record<string, unknown> = { ...memory };
  return [...history]
    .sort((one, other) => other.version - one.version)
    .map(({ version, at, what, by, before }) => {
      const fields: FieldChange[] = [];
      for (const field of FIELDS) {
        if (!(field in before) || before[field] === after[field]) continue;
        fields.push({ field, from: said(field, before[field]), to: said(field, after[field]) });
      }
      Object.assign(after, before);
      return { version, at, words: stepWords(what, by), pass: passOf(by)?.id ?? null, fields };
    });
}

/** `99 memories · 2,776 pieces of files · 1 replaced, 3 archived, 2 forgotten` */
export function countWords({ counts }: MemoryState): string {
  const gone = [
    counts.superseded > 0 ? `${counts.superseded} replaced` : "",
    counts.archived > 0 ? `${counts.archived} archived` : "",
    counts.forgotten > 0 ? `${counts.forgotten} forgotten` : "",
  ].filter((words) => words !== "");
  const { inFiles } = counts;
  return [
    plural(counts.alive - inFiles, "memory", "memories"),
    inFiles > 0 ? plural(inFiles, "piece of files", "pieces of files") : "",
    gone.join(", "),
  ]
    .filter((words) => words !== "")
    .join(" · ");
}

export interface IndexWords {
  readonly tone: "ready" | "busy" | "problem";
  readonly words: string;
}

/** How the search by meaning stands, and whether something is to be waited for. */
export function indexWords(state: MemoryState): IndexWords {
  const building = state.indexes.find(({ role }) => role === "building");
  const missing = building?.missing ?? state.indexes.reduce((sum, index) => Math.max(sum, index.missing), 0);
  const left = Math.max(missing, state.waiting);
  if (building !== undefined)
    return {
      tone: "busy",
      words: `learning them for ${building.model}, ${plural(left, "memory", "memories")} left`,
    };
  if (left > 0)
    return { tone: "busy", words: `${plural(left, "text")} still to be read for search by meaning` };
  if (state.problem !== "") return { tone: "problem", words: state.problem };
  return { tone: "ready", words: "found by meaning and by words" };
}
