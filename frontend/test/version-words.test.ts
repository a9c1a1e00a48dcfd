import { describe, expect, it } from "vitest";
import { formatLessonPlace, parseLessonPlace, usedWords } from "@/lib/lesson-words";
import { diffRows } from "@/lib/line-diff";
import {
  notesContent,
  notesOf,
  policyContent,
  policyOf,
  policyProblem,
  USUAL,
  withNote,
} from "@/lib/version-draft";
import { courseShape } from "@/lib/version-figures";
import { formatVersionPlace, parseVersionPlace, type VersionPlace } from "@/lib/version-place";
import {
  actsOf,
  consequence,
  differenceWords,
  guardWords,
  lineProblems,
  noEvidenceWords,
  passedOverWords,
  promptLine,
  reasonLines,
  signed,
  stepWords,
} from "@/lib/version-words";
import type { Evidence, HistoryStep } from "@/lib/versions-api";

const evidence = (more: Partial<Evidence>): Evidence => ({
  stage: "canary",
  verdict: "undecided",
  why: "",
  tasks: 40,
  candidate: 20,
  base: 20,
  difference: 0.12,
  error: 0.03,
  low: -0.02,
  high: 0.26,
  better: 3,
  worse: 0.2,
  waitingCandidate: 0,
  waitingBase: 0,
  errorsCandidate: 0,
  errorsBase: 0,
  guards: [],
  course: [],
  tried: [],
  ...more,
});

const step = (stage: HistoryStep["stage"], by: string, why = ""): HistoryStep => ({
  seq: 1,
  at: 0,
  stage,
  by,
  why,
  data: "{}",
});

describe("a version", () => {
  it("has the buttons that its stage allows", () => {
    const acts = (
      stage: "draft" | "canary" | "promoted" | "rolled_back" | "retired",
      what: "prompt" | "notes",
    ) => actsOf({ stage, what, fileChanged: false });
    expect(acts("draft", "prompt")).toEqual(["start", "promote", "edit", "delete"]);
    expect(acts("canary", "notes")).toEqual(["stop", "promote"]);
    expect(acts("promoted", "prompt")).toEqual(["revert", "toFile"]);
    expect(acts("promoted", "notes")).toEqual(["revert"]);
    expect(acts("rolled_back", "notes")).toContain("start");
    expect(acts("retired", "prompt")).toEqual([]);
    expect(actsOf({ stage: "promoted", what: "prompt", fileChanged: true })).toContain("keep");
  });

  it("says what a button would do before it is pressed", () => {
    expect(consequence("start", { of: "writer", what: "prompt", share: 0.3 })).toContain(
      "30 % of your tasks",
    );
    expect(consequence("revert", { of: "writer", what: "notes" })).toContain("the notes before it, or none");
    expect(consequence("promote", { of: "writer", what: "prompt" })).toContain("One click takes it back");
  });

  it("says before a trial when its rehearsals are passed over, and that they were", () => {
    const version = { of: "writer", what: "prompt", share: 0.3 } as const;
    expect(consequence("start", version)).toContain("fewer than 8 past tasks");
    expect(consequence("start", version, "canary")).toMatch(/^It does 30 % of your tasks at once/);
    expect(consequence("start", { ...version, what: "policy" })).toMatch(
      /^Routes .* 30 % of your tasks at once/,
    );
    const why = "replay and shadow are passed over: 3 past tasks to judge by, 8 are needed";
    const history = [step("draft", "hand"), step("replay", "ada"), step("canary", "gate", why)];
    expect(passedOverWords({ stage: "canary", history })).toBe(`It does 20 % of your tasks already: ${why}.`);
    expect(passedOverWords({ stage: "rolled_back", history })).toBeNull();
    const shown = [
      ...history.slice(0, 2),
      step("shadow", "gate"),
      step("canary", "gate", "it was not worse"),
    ];
    expect(passedOverWords({ stage: "canary", history: shown })).toBeNull();
    expect(passedOverWords({ stage: "canary", history: [step("canary", "ada")] })).toBeNull();
  });

  it("says how it is that it has no evidence", () => {
    const draft = step("draft", "hand");
    expect(noEvidenceWords({ stage: "draft", history: [draft] })).toContain("Start a trial");
    expect(noEvidenceWords({ stage: "promoted", history: [draft, step("promoted", "ada")] })).toBe(
      "No trial: it was promoted by hand. What it does is in its record.",
    );
    const tried = [draft, step("canary", "ada")];
    const byGate = [...tried, step("promoted", "gate")];
    expect(noEvidenceWords({ stage: "promoted", history: byGate })).toContain("runs behind it were deleted");
    const byHand = [...tried, step("promoted", "ada")];
    expect(noEvidenceWords({ stage: "promoted", history: byHand })).toMatch(
      /^Nothing is known of its trial: it/,
    );
    const back = [draft, step("promoted", "ada"), step("rolled_back", "ada")];
    expect(noEvidenceWords({ stage: "rolled_back", history: back })).toContain("What it did");
    expect(noEvidenceWords({ stage: "draft", history: [draft, step("replay", "ada")] })).toContain(
      "trial ended",
    );
    expect(noEvidenceWords({ stage: "replay", history: [draft] })).toContain("Nothing is known");
  });

  it("says how far it is from what acts now, and how surely", () => {
    expect(differenceWords(evidence({}))).toBe(
      "+0.12 of reward, between −0.02 and +0.26 (95 %, however often one looks)",
    );
    expect(differenceWords(evidence({ tasks: 0 }))).toBe("No reward is known yet");
    expect([signed(-0.001), signed(0.5), signed(-0.5)]).toEqual(["0.00", "+0.50", "−0.50"]);
  });

  it("says what its guardrails found", () => {
    const guard = { odds: 1, broken: false, tasks: 12 };
    expect(guardWords({ ...guard, name: "errors", found: -0.02, limit: 0.1 })).toBe(
      "−2 % of tasks; harm from +10 % on",
    );
    expect(guardWords({ ...guard, name: "latency", found: 1.084, limit: 1.5 })).toBe(
      "1.08 times as much; harm from 1.5 times on",
    );
    expect(guardWords({ ...guard, tasks: 0, name: "cost", found: 1, limit: 1.5 })).toBe("nothing known yet");
  });

  it("was moved by the gate or by a person", () => {
    expect(stepWords({ stage: "promoted", by: "gate" })).toBe("Active, by the gate");
    expect(stepWords({ stage: "draft", by: "reflection" })).toBe("Draft, by reflection on what failed");
    expect(stepWords({ stage: "rolled_back", by: "ada" })).toBe("Taken back, by you");
  });

  it("is in the address", () => {
    const places: VersionPlace[] = [
      { show: "list", role: "" },
      { show: "list", role: "writer" },
      { show: "version", id: "v_1" },
      { show: "edit", id: "v_1" },
      { show: "new", what: "notes", role: "writer" },
    ];
    for (const place of places) expect(parseVersionPlace(formatVersionPlace(place))).toEqual(place);
    expect(parseVersionPlace("new:nonsense:writer")).toEqual({ show: "list", role: "" });
  });
});

describe("what is wrong with a role's file", () => {
  it("is told by line", () => {
    const actual = "writer.md:3: budgets.tokens: expected a number\nwriter.md: no prompt\nand 2 more";
    expect(lineProblems(actual)).toEqual([
      { line: 3, message: "budgets.tokens: expected a number" },
      { line: 0, message: "no prompt" },
      { line: 0, message: "and 2 more" },
    ]);
    expect(lineProblems(undefined)).toEqual([]);
  });
});

it("finds where the prompt of a role's file begins", () => {
  expect(promptLine("---\nname: writer\n---\n\nYou write.\n---\n")).toBe(5);
  expect(promptLine("---\nname: writer\n---\n")).toBe(4);
  expect([promptLine("You write."), promptLine("---\nname: writer"), promptLine("")]).toEqual([1, 1, 1]);
});

describe("a diff by lines", () => {
  const diff = [
    "--- writer (base)",
    "+++ writer (version)",
    "@@ -1,3 +1,4 @@",
    " You write.",
    "-Answer in long sentences.",
    "+Answer in short sentences.",
    "+Name your sources.",
    " Be kind.",
    "@@ -20 +21 @@",
    "-The end",
    "\\ No newline at end",
    "+zzz",
    "",
  ].join("\n");

  it("numbers its lines, and marks the words that differ", () => {
    const rows = diffRows(diff);
    expect(rows.map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ["same", 1, 1],
      ["removed", 2, null],
      ["added", null, 2],
      ["added", null, 3],
      ["same", 3, 4],
      ["gap", null, null],
      ["removed", 20, null],
      ["added", null, 21],
    ]);
    expect(rows[1]?.parts.find(({ kind }) => kind === "removed")?.text).toBe("long");
    expect(rows[2]?.parts.find(({ kind }) => kind === "added")?.text).toBe("short");
  });

  it("marks no words where lines have nothing in common", () => {
    const rows = diffRows(diff);
    expect(rows.at(-1)?.parts).toEqual([{ kind: "same", text: "zzz" }]);
    expect(diffRows("")).toEqual([]);
  });
});

describe("notes and routes by hand", () => {
  it("keep their ids, and a new note gets one of its own", () => {
    const notes = withNote(notesOf('[{"id":"n1","text":"Be brief."},{"id":"n7","text":"Cite."}]'));
    expect(notes.map(({ id }) => id)).toEqual(["n1", "n7", "n8"]);
    expect(notesOf(notesContent(notes))).toEqual(notes.slice(0, 2));
    expect(notesContent(withNote([]))).toBe("[]\n");
    expect(notesOf("no JSON")).toEqual([]);
  });

  it("come back from what is kept as they were written", () => {
    const kept = { exploration: 0.05, arms: ["writer||"], pinned: "writer||", priors: { "poet|big|": 0.8 } };
    expect(JSON.parse(policyContent(policyOf(JSON.stringify(kept))))).toEqual(kept);
    expect(JSON.parse(policyContent(policyOf("{}")))).toEqual({});
  });

  it("say what is wrong before they are sent", () => {
    const way = { ...USUAL, role: "writer" };
    expect(policyProblem({ exploration: "5", ways: [way] })).toBeNull();
    expect(policyProblem({ exploration: "500", ways: [] })).toContain("0 to 100");
    expect(policyProblem({ exploration: "", ways: [way, way] })).toContain("same");
    expect(policyProblem({ exploration: "", ways: [{ ...way, prior: "two" }] })).toContain("0 to 1");
    const pinned = { ...way, role: "poet", pinned: true };
    expect(policyProblem({ exploration: "", ways: [{ ...way, allowed: true }, pinned] })).toContain(
      "allowed",
    );
  });
});

describe("the course of an interval", () => {
  const box = { width: 100, height: 100 };
  it("is drawn about the line of no difference", () => {
    const shape = courseShape(
      [
        { tasks: 1, low: -1, high: 1 },
        { tasks: 2, low: 0, high: 0.1 },
      ],
      box,
    );
    expect(shape.reach).toBe(0.2);
    expect(shape.band).toBe("M0.0 0.0L100.0 25.0L100.0 50.0L0.0 100.0Z");
    expect(courseShape([], box).band).toBe("");
  });
});

describe("why it was made", () => {
  it("is told line by line, with the number of runs in the place of their ids", () => {
    expect(
      reasonLines("Distilled by rule:\nBe short (r_019a7, r_019a8)\n\nUse euros (of course) (r_019a7)"),
    ).toEqual(["Distilled by rule:", "Be short (2 runs)", "Use euros (of course) (1 run)"]);
    expect(reasonLines("")).toEqual([]);
  });
});

describe("an approved answer", () => {
  it("says its use with its interval, or that none is known", () => {
    expect(usedWords({ utility: 0.24, low: -0.05, high: 0.48, uses: 6 })).toBe(
      "Reward 0.62, with 90 % between 0.47 and 0.74, from 6 tasks",
    );
    expect(usedWords({ utility: 0, low: 0, high: 0, uses: 0 })).toBe("No task that was told it is known yet");
  });

  it("is narrowed by role and words, in the address", () => {
    for (const place of [
      { role: "", query: "" },
      { role: "writer", query: "" },
      { role: "", query: "harbour ~ wall" },
      { role: "writer", query: "harbour" },
    ])
      expect(parseLessonPlace(formatLessonPlace(place))).toEqual(place);
  });
});
