import { describe, expect, it } from "vitest";
import type { EntryRecord } from "@/lib/api";
import { splitCitations } from "@/lib/citations";
import { entryWords } from "@/lib/entry-words";
import type { Recall, RecalledMemory } from "@/lib/protocol";
import { byTask, type FileSource, memoriesOf, namedSource, newsOf, sourcesOf } from "@/lib/recall-state";
import {
  lookedWords,
  memoryToolResult,
  memoryToolWords,
  missedReason,
  missedWords,
} from "@/lib/recall-words";
import { stateAt } from "@/lib/scrub";
import { Log } from "@/test/planned-events";

const hit = (id: string, more: Partial<RecalledMemory> = {}): RecalledMemory => ({
  id,
  text: `What ${id} says`,
  score: 0.5,
  ...more,
});
const recall = (messageId: string, hits: RecalledMemory[], more: Partial<Recall> = {}): Recall => ({
  messageId,
  query: "a quiet hotel",
  hits,
  ...more,
});
const page = (id: string, label: string, score: number): RecalledMemory =>
  hit(id, { label, score, document_id: `d_${label.split(",")[0]}` });

/** The manager is reminded twice, task 1 once and looks once more by itself. */
function story(): Log {
  const log = new Log();
  log.add(0, { type: "RUN_STARTED", text: "Ask" });
  log.custom(10, "alma.recalled", recall("r.main", [hit("m1"), hit("m2")]));
  log.start(20, "r.main", "main");
  log.custom(30, "alma.recalled", recall("r.1", [hit("m2")], { dense: false, considered: 40, ms: 6 }), "1");
  log.start(40, "r.1", "1");
  log.custom(50, "alma.recalled", recall("r.1", [hit("m3")], { callId: "1#1" }), "1");
  log.custom(
    60,
    "alma.recalled",
    recall("r.main.2", [hit("m1"), hit("m2"), hit("m4")], {
      missed: [{ id: "m5", text: "Too far", score: 0.1, why: "weak" }],
    }),
  );
  return log;
}

describe("what agents were reminded of", () => {
  const run = story().run();

  it("is kept in order, by task, with who asked", () => {
    expect(run.recalls.map(({ taskId, messageId, callId }) => [taskId, messageId, callId])).toEqual([
      ["main", "r.main", ""],
      ["1", "r.1", ""],
      ["1", "r.1", "1#1"],
      ["main", "r.main.2", ""],
    ]);
    expect([...byTask(run.recalls).keys()]).toEqual(["main", "1"]);
  });

  it("has what the wire leaves out at its default", () => {
    expect(run.recalls[0]).toMatchObject({ missed: [], considered: 0, dense: true, ms: 0 });
    expect(run.recalls[1]).toMatchObject({ dense: false, considered: 40 });
  });

  it("counts a memory once, whoever was given it", () => {
    expect(memoriesOf(run.recalls).map(({ id }) => id)).toEqual(["m1", "m2", "m3", "m4"]);
  });

  it("tells of a later step what is new to the task, and how much it had before", () => {
    const own = newsOf(byTask(run.recalls).get("main") ?? []);
    expect(own.map(({ fresh, before }) => [fresh.map(({ id }) => id), before])).toEqual([
      [["m1", "m2"], 0],
      [["m4"], 2],
    ]);
  });

  it("is as it was at an earlier moment", () => {
    expect(stateAt(run, 1_030, 1_100).recalls.map(({ messageId }) => messageId)).toEqual(["r.main", "r.1"]);
  });

  it("leaves the list alone while nothing is recalled", () => {
    const log = story();
    const before = log.run().recalls;
    log.text(70, "r.1", "1", "words");
    expect(log.run().recalls).toEqual(before);
  });
});

describe("sources", () => {
  const recalls = story().run().recalls.slice(0, 1);
  const [first] = recalls;
  const of = (...hits: RecalledMemory[]): FileSource[] =>
    first === undefined ? [] : sourcesOf([{ ...first, hits }]);
  const sources = of(
    page("m1", "handbook.pdf, page 3", 0.4),
    page("m2", "handbook.pdf, page 12", 0.9),
    page("m3", "handbook.pdf, page 12", 0.2),
    page("m4", "notes, old.md, Trip › Porto", 0.3),
    hit("m5", { label: "about the user" }),
  );

  it("are the places in files, each once, the best first", () => {
    expect(sources.map(({ label, memoryId }) => [label, memoryId])).toEqual([
      ["handbook.pdf, page 12", "m2"],
      ["handbook.pdf, page 3", "m1"],
      ["notes, old.md, Trip › Porto", "m4"],
    ]);
  });

  it("are named by label, or by file alone", () => {
    expect(namedSource("handbook.pdf, page 3", sources)?.memoryId).toBe("m1");
    expect(namedSource(" Handbook.pdf,  page 3", sources)?.memoryId).toBe("m1");
    expect(namedSource("handbook.pdf", sources)?.memoryId).toBe("m2");
    expect(namedSource("notes, old.md", sources)?.memoryId).toBe("m4");
  });

  it("are not named by half a name, or by one that nobody gave", () => {
    for (const name of [
      "handbook",
      "handbook.pdf, page 1",
      "page 3",
      "other.pdf, page 3",
      "",
      "about the user",
    ])
      expect(namedSource(name, sources)).toBeNull();
  });

  it("are cited in a text", () => {
    const isTask = (id: string): boolean => id === "1";
    const parts = splitCitations(
      "Set it to 0.6 [handbook.pdf, page 12], as said [1]. Not [other.pdf, page 2] nor [x].",
      isTask,
      sources,
    );
    expect(parts).toEqual([
      "Set it to 0.6 ",
      { source: sources[0] },
      ", as said",
      { taskId: "1" },
      ". Not [other.pdf, page 2] nor [x].",
    ]);
  });

  it("may be cited together", () => {
    expect(splitCitations("[handbook.pdf, page 3; handbook.pdf, page 12]", () => false, sources)).toEqual([
      { source: sources[1] },
      " ",
      { source: sources[0] },
    ]);
  });

  it("leave a text whole where none is known", () => {
    const text = "See [handbook.pdf, page 3] and [1].";
    expect(splitCitations(text, () => false, [])).toEqual([text]);
  });
});

describe("memory in words", () => {
  const [, second] = story().run().recalls;

  it("says who looked, and among how many", () => {
    expect(second && lookedWords(second)).toBe("before it wrote · the best 1 of 40 compared · 6 ms");
    expect(second && lookedWords({ ...second, hits: [] })).toContain("40 memories compared, none fitted");
    expect(second && lookedWords({ ...second, callId: "1#1", considered: 0, ms: 0 })).toBe(
      "asked for by the agent",
    );
  });

  it("says why a memory was left out", () => {
    expect((["budget", "alike", "weak", "known"] as const).map(missedReason)).toEqual([
      "no room was left for it",
      "too like a better one",
      "has little to do with it",
      "known to the agent anyway",
    ]);
  });

  it("gives a score only where that decided", () => {
    expect(missedWords({ why: "weak", score: 0.88 })).toBe("has little to do with it");
    expect(missedWords({ why: "budget", score: 0.5 })).toBe("no room was left for it · score 0.50");
  });

  it("names what an agent does with its memory", () => {
    expect(memoryToolWords("recall", '{"query": "hotels in Porto"}')).toMatchObject({
      did: "Looked in its memory for",
      what: "hotels in Porto",
    });
    expect(memoryToolWords("remember", "{broken")?.what).toBe("");
    expect(memoryToolWords("calculator", "{}")).toBeNull();
  });

  it("says what came of it", () => {
    expect(memoryToolResult("recall", true, "m1 (x): one\nm2 (y): two")).toBe("found 2 memories");
    expect(memoryToolResult("recall", true, "Nothing is known of that.")).toBe("found nothing");
    expect(memoryToolResult("remember", true, "Known already as m1.")).toBe("known already");
    expect(memoryToolResult("forget", false, "The user has pinned it.")).toBe("it was refused");
    expect(memoryToolResult("calculator", true, "4")).toBeNull();
  });

  const words = (entry: object): string[] => {
    const { what, detail } = entryWords({ seq: 1, entry: { at: 1, ...entry } as EntryRecord["entry"] });
    return [what, detail ?? ""];
  };

  it("tells the journal's entries", () => {
    const found = { type: "memories_recalled", query: "hotels", hits: [{}, {}], missed: [{}] };
    expect(words(found)).toEqual(["2 memories recalled, 1 left out", "as a reminder, for “hotels”"]);
    expect(words({ ...found, missed: [], task_id: "2", call_id: "2#1", dense: false })).toEqual([
      "2 memories recalled for task 2",
      "as it asked, for “hotels”; by words only",
    ]);
    expect(words({ ...found, query: "team/", call_id: "1#1", dense: false })).toEqual([
      "The team’s board was read",
      "2 entries",
    ]);
    expect(words({ type: "agent_message", sender: "memory", task_id: "2", text: "It changed." })).toEqual([
      "Task 2 was told that a memory changed",
      "It changed.",
    ]);
    expect(words({ type: "tool_called", name: "remember", arguments: '{"text": "Tea, no milk."}' })).toEqual([
      "The run wanted to remember something",
      "Tea, no milk.",
    ]);
  });
});
