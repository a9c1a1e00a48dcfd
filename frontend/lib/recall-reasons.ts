/** Why a memory came, in the same shape wherever it was told: by a search, or by a run. Pure. */

import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];

/** Ranks are from 1; 0 is not found by that method. From `fused` on they add up to `score`, by which hits are ordered. */
export interface RecallFacts {
  readonly score: number;
  readonly cosine: number;
  readonly denseRank: number;
  readonly bm25: number;
  readonly textRank: number;
  readonly fused: number;
  readonly neighbour: number;
  readonly stated: number;
  readonly speaker: number;
  readonly answer: number;
  readonly recency: number;
  readonly utility: number;
  readonly pinned: number;
  readonly diversity: number;
  /** Those of the query that the memory has. */
  readonly words: readonly string[];
  /** It is told whatever is asked, and was not searched for. */
  readonly standing: boolean;
}

type Gain = "neighbour" | "stated" | "speaker" | "answer" | "recency" | "utility" | "pinned" | "diversity";

/** One reason: what it is, how much it weighed, and by what. */
export interface Reason {
  readonly name: "meaning" | "words" | "fused" | Gain;
  readonly label: string;
  /** `#2` of a ranking, or `+0.08` of the score. */
  readonly value: string;
  readonly detail: string;
  readonly lowers: boolean;
}

/** What a search says. */
export function factsOfFound(score: number, reasons: Schemas["ReasonsReply"]): RecallFacts {
  const { stated = 0, speaker = 0, answer = 0, pinned = 0 } = reasons;
  return { ...reasons, stated, speaker, answer, pinned, score, standing: false };
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
    stated: recalled.stated ?? 0,
    speaker: recalled.speaker ?? 0,
    answer: recalled.answer ?? 0,
    recency: recalled.recency ?? 0,
    utility: recalled.utility ?? 0,
    pinned: recalled.pinned ?? 0,
    diversity: recalled.diversity ?? 0,
    words: recalled.words ?? [],
    standing: recalled.standing || (recalled.score === 0 && !recalled.dense_rank && !recalled.text_rank),
  };
}

export const STANDING = "A fact about you, told besides what was found.";

/** What is less than this does not show in two digits. */
const SEEN = 0.0005;

/** `+0.08`, `−0.05`; three digits where two would be none. */
export function gain(value: number): string {
  const size = Math.abs(value);
  return `${value < 0 ? "−" : "+"}${size < 0.0095 ? size.toFixed(3) : size.toFixed(2)}`;
}

/** What is said of each gain or loss: its name, and by what. */
const GAINS: readonly [Gain, (value: number) => readonly [string, string]][] = [
  ["neighbour", () => ["Beside a hit", "said next to something that fits"]],
  [
    "stated",
    (value) =>
      value > 0 ? ["Stated", "a fact or rule to be kept"] : ["By an agent", "what it said by itself"],
  ],
  ["speaker", () => ["Speaker", "said by whom the question names"]],
  [
    "answer",
    (value) =>
      value > 0 ? ["Answers", "has the time or number that is asked for"] : ["Asks", "is a question itself"],
  ],
  ["recency", () => ["Recent", ""]],
  ["utility", (value) => ["Useful", value > 0 ? "it helped before" : "it did not help before"]],
  ["pinned", () => ["Pinned", "by you"]],
  ["diversity", () => ["Alike", "says much the same as a better one"]],
];

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
  if (reasons.length > 0)
    reasons.push({
      name: "fused",
      label: "Together",
      value: facts.fused.toFixed(2),
      detail: "",
      lowers: false,
    });
  for (const [name, say] of GAINS) {
    const value = facts[name];
    if (Math.abs(value) < SEEN) continue;
    const [label, detail] = say(value);
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
  const told = reasonsOf(facts).filter(({ name }) => name !== "fused");
  const parts = told.map(({ name, label, value }) => {
    const by = found[name];
    return `${label.toLowerCase()} ${value}${by ? ` (${by})` : ""}`;
  });
  return parts.join(" · ");
}
