/** Notes and routes as one writes them, and as the server keeps them. Pure. */

export interface NoteDraft {
  readonly id: string;
  readonly text: string;
}

export const MOST_NOTES = 100;
export const MOST_NOTE_CHARS = 2000;

export function notesOf(content: string): NoteDraft[] {
  const found: unknown = parsed(content);
  if (!Array.isArray(found)) return [];
  return found.filter(
    (one): one is NoteDraft => typeof one?.id === "string" && typeof one?.text === "string",
  );
}

/** With a note more, under an id that none has. */
export function withNote(notes: readonly NoteDraft[]): NoteDraft[] {
  const numbers = notes.map(({ id }) => Number(/^n(\d+)$/.exec(id)?.[1] ?? 0));
  return [...notes, { id: `n${Math.max(0, ...numbers) + 1}`, text: "" }];
}

/** A note a line, so that a diff shows what changed. Empty ones are left out. */
export function notesContent(notes: readonly NoteDraft[]): string {
  const kept = notes.map(({ id, text }) => ({ id, text: text.trim() })).filter(({ text }) => text !== "");
  return kept.length === 0
    ? "[]\n"
    : `[\n${kept.map((note) => `  ${JSON.stringify(note)}`).join(",\n")}\n]\n`;
}

// ── routes ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** One way to do the role's tasks; each part is empty where it is as usual. */
export interface WayDraft {
  readonly role: string;
  readonly model: string;
  readonly pattern: string;
  readonly allowed: boolean;
  readonly pinned: boolean;
  /** What is believed of it before anything is known, 0 to 1; empty: as of anything. */
  readonly prior: string;
}

export interface PolicyDraft {
  /** Percent; empty: as its owner says. */
  readonly exploration: string;
  readonly ways: readonly WayDraft[];
}

export const USUAL: WayDraft = {
  role: "",
  model: "",
  pattern: "",
  allowed: false,
  pinned: false,
  prior: "",
};

interface Policy {
  exploration?: number | null;
  arms?: string[];
  pinned?: string;
  priors?: Record<string, number>;
}

export function policyOf(content: string): PolicyDraft {
  const found = (parsed(content) ?? {}) as Policy;
  const { arms = [], pinned = "", priors = {}, exploration = null } = found;
  const ids = [...new Set([...arms, ...(pinned === "" ? [] : [pinned]), ...Object.keys(priors)])];
  return {
    exploration: exploration === null ? "" : String(Number((100 * exploration).toFixed(2))),
    ways: ids.map((id) => {
      const [role = "", model = "", pattern = ""] = id.split("|");
      const prior = priors[id];
      return {
        role,
        model,
        pattern,
        allowed: arms.includes(id),
        pinned: id === pinned,
        prior: prior === undefined ? "" : String(prior),
      };
    }),
  };
}

const idOf = ({ role, model, pattern }: WayDraft): string =>
  [role, model, pattern].map((part) => part.trim()).join("|");

export function policyContent({ exploration, ways }: PolicyDraft): string {
  const arms = ways.filter(({ allowed }) => allowed).map(idOf);
  const pinned = ways.find((way) => way.pinned);
  const priors = ways.filter(({ prior }) => prior.trim() !== "").map((way) => [idOf(way), Number(way.prior)]);
  const policy: Policy = {
    ...(exploration.trim() === "" ? {} : { exploration: Number(exploration) / 100 }),
    ...(arms.length === 0 ? {} : { arms }),
    ...(pinned === undefined ? {} : { pinned: idOf(pinned) }),
    ...(priors.length === 0 ? {} : { priors: Object.fromEntries(priors) }),
  };
  return `${JSON.stringify(policy, null, 2)}\n`;
}

/** What is wrong with it in a sentence, before it is sent; null: nothing. */
export function policyProblem({ exploration, ways }: PolicyDraft): string | null {
  if (!within(exploration, 100)) return "Exploration is a share from 0 to 100 percent, or empty.";
  if (ways.some(({ prior }) => !within(prior, 1)))
    return "What is believed of a way is a number from 0 to 1.";
  const ids = ways.map(idOf);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) return "Two ways are the same.";
  if (ids.some((id) => id.split("|").length !== 3)) return "No part of a way may have a “|” in it.";
  const pinned = ways.find((way) => way.pinned);
  if (pinned !== undefined && !pinned.allowed && ways.some(({ allowed }) => allowed))
    return "The way that does every task must be one of those allowed.";
  return null;
}

function within(text: string, most: number): boolean {
  if (text.trim() === "") return true;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 && value <= most;
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return null;
  }
}
