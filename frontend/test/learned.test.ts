// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from "vitest";
import { entryWords } from "@/lib/entry-words";
import { feedback } from "@/lib/feedback";
import { isSaid, newestSignal, type Saying } from "@/lib/learned-state";
import { choiceWords, chosenByWords, optionWords, percent } from "@/lib/learned-words";
import { addressOf, HOME, parseView } from "@/lib/location";
import { linePath, placeOf, rolesOf, type Shares } from "@/lib/shares";
import { Log } from "@/test/planned-events";

const choice = {
  what: "arm" as const,
  chosen: "writer-brief|small|",
  propensity: 0.8,
  by: "learned" as const,
  options: [
    { id: "writer-brief|small|", mean: 0.7, share: 0.8 },
    { id: "||", mean: 0.5, share: 0.2 },
  ],
};
const note = { id: "n1", text: "Begin with the answer." };

function story(): Log {
  const log = new Log();
  log.add(0, { type: "RUN_STARTED", text: "Ask" });
  log.custom(5, "alma.choices", { role: "manager", choices: [choice] });
  log.custom(8, "alma.lessons", { messageId: "r.main", notes: [note] });
  log.custom(9, "alma.choices", { role: "writer", choices: [] }, "1");
  log.add(50, { type: "RUN_FINISHED", status: "completed", outcome: { type: "success" } });
  return log;
}

describe("what learning did, and what was said", () => {
  it("is kept by task, and signals also when the run has ended", () => {
    const log = story();
    log.custom(90, "alma.signal", { signal: "thumb", value: -1, reason: "Too long" });
    log.custom(95, "alma.signal", { signal: "thumb", value: 1 }, "1");
    const run = log.run();
    expect(run.status).toBe("completed");
    expect(run.choices.map(({ taskId, role }) => [taskId, role])).toEqual([
      ["main", "manager"],
      ["1", "writer"],
    ]);
    expect(run.lessons[0]).toMatchObject({ taskId: "main", notes: [note] });
    expect(newestSignal(run.signals, "thumb")).toMatchObject({ value: -1, reason: "Too long" });
    expect(newestSignal(run.signals, "thumb", "1")?.value).toBe(1);
    expect(newestSignal(run.signals, "edited")).toBeNull();
    expect(isSaid(run.signals)).toBe(true);
  });

  it("takes the newest, and nothing where it was taken back", () => {
    const log = story();
    log.custom(90, "alma.signal", { signal: "thumb", value: 1 });
    log.custom(95, "alma.signal", { signal: "thumb", value: 0 });
    expect(newestSignal(log.run().signals, "thumb")).toBeNull();
    expect(isSaid(log.run().signals)).toBe(false);
  });

  it("shows what was just said until the journal has it, or something newer", () => {
    const log = story();
    const saying: Saying = { signal: "thumb", value: 1, reason: "", text: "", since: 5 };
    expect(newestSignal(log.run().signals, "thumb", "main", saying)?.value).toBe(1);
    expect(newestSignal(log.run().signals, "thumb", "main", { ...saying, value: 0 })).toBeNull();
    expect(newestSignal(log.run().signals, "edited", "main", saying)).toBeNull();
    log.custom(90, "alma.signal", { signal: "thumb", value: -1 });
    expect(newestSignal(log.run().signals, "thumb", "main", saying)?.value).toBe(-1);
  });

  it("has words", () => {
    expect(optionWords("arm", "writer-brief|small|compare")).toBe(
      "writer-brief with small planned by compare",
    );
    expect(optionWords("arm", "||")).toBe("as usual");
    expect(optionWords("prompt", "0123456789abcdef")).toBe("0123456789ab");
    expect(choiceWords(choice)).toBe(
      "who does it: writer-brief with small (believed best, chosen in 80 % of such cases)",
    );
    const prompt = { what: "prompt", chosen: "24dd38b52832" } as const;
    expect(choiceWords(prompt)).toBe(
      "the version of the prompt: 24dd38b52832 (it acts since it was promoted)",
    );
    expect(choiceWords(prompt, "Brief")).toContain("“Brief”, 24dd38b52832");
    const options = [{ id: "" }, { id: "77aa" }];
    const onTrial = { what: "notes", by: "canary", options } as const;
    expect(chosenByWords({ ...onTrial, options, chosen: "" })).toBe(
      "what acts, while another version is on trial",
    );
    expect(chosenByWords({ ...onTrial, options, chosen: "77aa" })).toBe("a version on trial");
    expect(optionWords("notes", "")).toBe("none");
    expect([percent(0), percent(0.001), percent(0.5)]).toEqual(["0 %", "under 1 %", "50 %"]);
    const words = (entry: object) => entryWords({ seq: 1, entry: { at: 0, ...entry } as never });
    expect(words({ type: "choices_made", task_id: "1", choices: [choice] }).what).toBe(
      "Learning chose for task 1",
    );
    expect(words({ type: "lessons_told", notes: [note], examples: [note, note] }).what).toBe(
      "The prompt had 2 approved answers and 1 learned note",
    );
    expect(words({ type: "signaled", signal: "thumb", value: -1, reason: "Wrong" })).toEqual({
      what: "You said it was bad",
      detail: "Wrong",
      tone: "bad",
    });
    for (const signal of ["edited", "preferred", "passed_over", "retried", "resent", "copied", "corrected"])
      expect(words({ type: "signaled", signal, value: 0.5 }).what).toMatch(/^(You|What you) /);
  });
});

describe("saying it", () => {
  afterEach(() => vi.unstubAllGlobals());
  const body = (call: unknown[] | undefined) =>
    JSON.parse(String((call?.[1] as RequestInit | undefined)?.body));

  it("is shown at once, asks why, and is sent under a key of its own", async () => {
    const fetch = vi.fn(async () => new Response("{}", { status: 201 }));
    vi.stubGlobal("fetch", fetch);
    const given = feedback.give("r1", "2", { signal: "thumb", value: -1 }, 7);
    expect(feedback.of("r1", "2").get()).toMatchObject({ open: "reason", error: null });
    expect(feedback.of("r1", "2").get().saying).toMatchObject({ value: -1, since: 7 });
    await given;
    const [call] = fetch.mock.calls as unknown[][];
    expect(call?.[0]).toBe("/api/runs/r1/feedback");
    expect(body(call)).toMatchObject({ signal: "thumb", value: -1, taskId: "2" });
    expect(body(call).key).toMatch(/./);
  });

  it("is taken off again where it was refused, and can be said once more under the same key", async () => {
    const fetch = vi.fn(async () => new Response("{}", { status: 500 }));
    vi.stubGlobal("fetch", fetch);
    await feedback.give("r2", "main", { signal: "edited", text: "Better" }, 3);
    expect(feedback.of("r2").get()).toMatchObject({ saying: null, error: expect.anything() });
    const sent = fetch.mock.calls.length;
    fetch.mockImplementation(async () => new Response("{}", { status: 201 }));
    feedback.again("r2", "main", 3);
    expect(feedback.of("r2").get()).toMatchObject({ error: null, saying: { text: "Better" } });
    await vi.waitFor(() => expect(fetch.mock.calls.length).toBe(sent + 1));
    const calls = fetch.mock.calls as unknown[][];
    expect(body(calls.at(-1)).key).toBe(body(calls[0]).key);
  });
});

describe("shares", () => {
  it("stand in the middle when they are equal", () => {
    expect([0.1, 0.5, 1, 2, 9].map(placeOf)).toEqual([0, 0, 0.5, 1, 1]);
  });

  it("are a line over the last hour, the newest at its end", () => {
    const history: Shares["history"] = [
      { at: 1800, weights: { writer: 2 } },
      { at: 3600, weights: {} },
    ];
    expect(linePath(history, "writer", 100, 10)).toBe("M50.0 0.0L100.0 5.0");
    expect(rolesOf({ on: true, roles: [], history, stores: [] })).toEqual(["writer"]);
  });

  it("have an address", () => {
    const view = { ...HOME, page: "learning", part: "shares" } as const;
    expect(addressOf(view)).toBe("/?part=shares&page=learning");
    expect(parseView(addressOf(view).slice(1))).toEqual(view);
  });
});
