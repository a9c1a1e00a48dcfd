import { describe, expect, it } from "vitest";
import { factsOfFound, factsOfRecalled, gain, reasonsLine, reasonsOf } from "@/lib/recall-reasons";

const REASONS = {
  cosine: 0.634,
  denseRank: 2,
  bm25: 7.1,
  textRank: 5,
  fused: 0.61,
  neighbour: 0.08,
  recency: 0.03,
  utility: 0.02,
  diversity: -0.05,
  words: ["porto", "hotel"],
  near: "",
};

describe("why a memory came", () => {
  it("is told by rank, by what raised and what lowered it", () => {
    expect(reasonsLine(factsOfFound(0.69, REASONS))).toBe(
      "by meaning #2 (0.63) · by words #5 (porto, hotel) · beside a hit +0.08 · recent +0.03 · useful +0.02 · alike −0.05",
    );
    const lowers = reasonsOf(factsOfFound(0.69, REASONS)).filter((reason) => reason.lowers);
    expect(lowers.map(({ name }) => name)).toEqual(["diversity"]);
  });

  it("says nothing of what found nothing, or weighed nothing", () => {
    const none = { denseRank: 0, neighbour: 0, recency: 0.0001, utility: 0, diversity: 0 };
    const told = reasonsOf(factsOfFound(0.4, { ...REASONS, ...none }));
    expect(told.map(({ name }) => name)).toEqual(["words", "fused"]);
  });

  it("names a question and an answer by the sign of what it weighed", () => {
    const label = (answer: number): string | undefined =>
      reasonsOf(factsOfFound(0.5, { ...REASONS, answer })).find(({ name }) => name === "answer")?.label;
    expect(label(0.13)).toBe("Answers");
    expect(label(-0.18)).toBe("Asks");
  });

  it("reads a run's words, where defaults are left out", () => {
    const facts = factsOfRecalled({ id: "m", text: "t", score: 0.5, cosine: 0.5, dense_rank: 1, fused: 0.5 });
    expect(reasonsLine(facts)).toBe("by meaning #1 (0.50)");
  });

  it("tells what is told anyway from what was searched for", () => {
    const one = { id: "m", text: "t", score: 0 };
    expect(factsOfRecalled(one).standing).toBe(true);
    expect(factsOfRecalled({ ...one, score: 0.1, standing: true }).standing).toBe(true);
    expect(factsOfRecalled({ ...one, dense_rank: 3 }).standing).toBe(false);
    expect(factsOfRecalled({ ...one, score: 1 }).standing).toBe(false);
  });

  it("keeps a digit of what is small", () => {
    expect([gain(0.08), gain(-0.1), gain(0.004)]).toEqual(["+0.08", "−0.10", "+0.004"]);
  });
});
