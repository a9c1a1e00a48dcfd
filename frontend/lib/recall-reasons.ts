/** Why a memory came, in the same shape wherever it was told: by a search, or by a run. Pure. */

import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];

/** Ranks are from 1; 0 is not found by that method. `score` is by which hits are ordered. */
export interface RecallFacts {
  readonly score: number;
  readonly cosine: number;
  readonly denseRank: number;
  readonly bm25: number;
  readonly textRank: number;
  readonly fused: number;
  readonly neighbour: number;
  readonly recency: number;
  readonly utility: number;
  readonly diversity: number;
  /** Those of the query that the memory has. */
  readonly words: readonly string[];
}

/** One reason: what it is, how much it weighed, and by what. */
export interface Reason {
  readonly name: "meaning" | "words" | "neighbour" | "recency" | "utility" | "diversity";
  readonly label: string;
  /** `#2` of a ranking, or `+0.08` of the score. */
  readonly value: string;
  readonly detail: string;
  readonly lowers: boolean;
}

/** What a search says. */
export function factsOfFound(score: number, reasons: Schemas["ReasonsReply"]): RecallFacts {
  return { ...reasons, score };
}

/** What a run says of a memory that an agent was reminded of. */
export function factsOfRecalled(recalled: Schemas["RecalledMemory"]): RecallFacts {
  return {
    score: recalled.score,
    cosine: recalled.cosine ?? 0,
    denseRank: recalled.dense_rank ?? 0,
    bm25: recalled.bm25 ?? 0,
    textRank: recalled.text_rank ?? 0,
    fused: recalled.fused ?? 0,
    neighbour: recalled.neighbour ?? 0,
    recency: recalled.recency ?? 0,
    utility: recalled.utility ?? 0,
    diversity: recalled.diversity ?? 0,
    words: recalled.words ?? [],
  };
}

/** What is less than this does not show in two digits. */
const SEEN = 0.0005;

/** `+0.08`, `−0.05`; three digits where two would be none. */
export function gain(value: number): string {
  const size = Math.abs(value);
  return `${value < 0 ? "−" : "+"}${size < 0.0095 ? size.toFixed(3) : size.toFixed(2)}`;
}

/** The reasons that weighed anything, in the order in which they come about. */
export function reasonsOf(facts: RecallFacts): Reason[] {
  const reasons: Reason[] = [];
  if (facts.denseRank > 0)
    reasons.push({
      name: "meaning",
      label: "By meaning",
      value: `#${facts.denseRank}`,
      detail: `likeness ${facts.cosine.toFixed(2)}`,
      lowers: false,
    });
  if (facts.textRank > 0)
    reasons.push({
      name: "words",
      label: "By words",
      value: `#${facts.textRank}`,
      detail: facts.words.join(", "),
      lowers: false,
    });
  const gains = [
    ["neighbour", "Beside a hit", "said next to something that fits"],
    ["recency", "Recent", ""],
    ["utility", "Useful", facts.utility < 0 ? "it did not help before" : "it helped before"],
    ["diversity", "Alike", "says much the same as a better one"],
  ] as const;
  for (const [name, label, detail] of gains) {
    const value = name === "diversity" ? -Math.abs(facts.diversity) : facts[name];
    if (Math.abs(value) < SEEN) continue;
    reasons.push({ name, label, value: gain(value), detail, lowers: value < 0 });
  }
  return reasons;
}

/** `by meaning #2 (0.63) · by words #5 (porto, hotel) · beside a hit +0.08` */
export function reasonsLine(facts: RecallFacts): string {
  const found: Partial<Record<Reason["name"], string>> = {
    meaning: facts.cosine.toFixed(2),
    words: facts.words.join(", "),
  };
  const parts = reasonsOf(facts).map(({ name, label, value }) => {
    const by = found[name];
    return `${label.toLowerCase()} ${value}${by ? ` (${by})` : ""}`;
  });
  return parts.join(" · ");
}
