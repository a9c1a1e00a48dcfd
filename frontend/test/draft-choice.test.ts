import { expect, it } from "vitest";
import { aboutDraft, distilBody, draftProblem, reflectBody, USUAL_CHOICE } from "@/lib/draft-choice";

it("asks as usual unless one says otherwise", () => {
  expect(reflectBody("writer", USUAL_CHOICE)).toEqual({ role: "writer", how: "reflection" });
  expect(distilBody("writer", USUAL_CHOICE)).toEqual({ role: "writer" });
});

it("sends the way, the model and, of an evolution, how many calls it may make", () => {
  const choice = { how: "gepa", model: "pool/strong", calls: "40" } as const;
  expect(reflectBody("writer", choice)).toEqual({
    role: "writer",
    how: "gepa",
    model: "pool/strong",
    calls: 40,
  });
  expect(distilBody("writer", choice)).toEqual({ role: "writer", model: "pool/strong" });
});

it("says what calls may be before it asks, where they matter", () => {
  for (const calls of ["0", "201", "4.5", "many", ""]) {
    expect(draftProblem("reflect", { ...USUAL_CHOICE, how: "gepa", calls })).toContain("from 1 to 200");
    expect(draftProblem("reflect", { ...USUAL_CHOICE, calls })).toBeNull();
    expect(draftProblem("distil", { ...USUAL_CHOICE, how: "gepa", calls })).toBeNull();
  }
  expect(draftProblem("reflect", { ...USUAL_CHOICE, how: "gepa" })).toBeNull();
  expect(aboutDraft("reflect", "gepa")).toContain("extra gepa");
});
