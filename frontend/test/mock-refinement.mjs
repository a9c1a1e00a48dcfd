// Of the mock server: passes of refinement with their acts, what a pass would do, contradictions, and why a memory has its number.

const HOUR = 3600;
const now = () => Date.now() / 1000;

const about = (memories, ...texts) =>
  texts.map((begin) => {
    const found = [...memories.values()].find(({ text }) => text.startsWith(begin));
    return { id: found?.id ?? "m_gone", text: found?.text ?? "" };
  });

function actsOf(memories) {
  const of = (what, why, texts, more = {}) => {
    const named = about(memories, ...texts);
    const over = what === "archive" ? named : what === "merge" || what === "settle" ? named.slice(1) : [];
    return {
      what,
      why: why(named),
      memories: named,
      over: over.map(({ id }) => id),
      added: [],
      adds: [],
      left: [],
      ...more,
    };
  };
  return [
    of("merge", ([one]) => `3 memories say the same; ${one.id} says it for all.`, [
      "Compared six hotels in Porto",
      "Asked for a quiet hotel near the river",
      "Wrote a plan for three days in Porto",
    ]),
    of("settle", ([one]) => `Only one of them can hold; ${one.id} is the newer.`, [
      "The bakery has five employees",
      "Runs a small bakery with four",
    ]),
    of("promote", () => "It came into 6 prompts and helped (utility +0.48).", ["Compared gas and heat pump"]),
    of("note", () => "You asked for it in 3 runs.", ["Answers about the bakery's numbers"], {
      adds: ["Answers about the bakery's numbers end with one sentence on what to do."],
    }),
    of("demote", () => "Answers that it was told for were bad (utility -0.41).", [
      "On rainy days the bakery sells",
    ]),
    of("archive", () => "It would come to mind with 4%: 0 uses, utility +0.00.", ["Counted the till of May"]),
  ];
}

export function refinementRoutes({ Problem, toAll, memories }) {
  const acts = actsOf(memories);
  const done = (chosen, at) =>
    chosen.map((act, index) => ({ ...act, n: index + 1, at, undoneAt: null, adds: [] }));
  const passes = [
    {
      id: "p_3a",
      at: now() - 3 * HOUR,
      by: "idle",
      ms: 184,
      acts: done(acts, now() - 3 * HOUR),
      more: false,
    },
    {
      id: "p_2b",
      at: now() - 26 * HOUR,
      by: "owner",
      ms: 0,
      acts: done([acts[1]], now() - 26 * HOUR),
      more: false,
    },
    {
      id: "p_1c",
      at: now() - 90 * HOUR,
      by: "asked",
      ms: 1240,
      acts: done([acts[0], acts[5]], now() - 90 * HOUR),
      more: true,
    },
  ];
  let plan = acts.slice(0, 4);
  const odds = () => [
    { key: "user.city", memories: pair("The user lives in Porto since last spring.", "I live in Lund.") },
    {
      key: "team.deadline",
      memories: pair("The report is due on 4 December.", "The report is due on the 9th."),
    },
  ];
  const pair = (...texts) => {
    const [first, second] = [...memories.values()].filter(({ documentId }) => !documentId);
    return texts.map((text, at) => ({
      ...(at === 0 ? second : first),
      agent: at === 0 ? "writer" : "user",
      text,
    }));
  };
  let open = odds();
  const shown = ({ acts: all, ...pass }) => {
    const counts = {};
    for (const { what } of all) counts[what] = (counts[what] ?? 0) + 1;
    const undoneAt = all.every((act) => act.undoneAt !== null)
      ? Math.max(...all.map((act) => act.undoneAt))
      : null;
    return { ...pass, counts, undoneAt };
  };
  const find = (id) => {
    const pass = passes.find((one) => one.id === id);
    if (!pass) throw new Problem(404, "unknown_pass", "There is no such pass of refinement.");
    return pass;
  };
  const detail = (pass) => ({ ...shown(pass), acts: pass.acts });
  const add = (by, chosen) => {
    const pass = {
      id: `p_${(passes.length + 61).toString(16)}`,
      at: now(),
      by,
      ms: 96,
      acts: done(chosen, now()),
      more: false,
    };
    passes.unshift(pass);
    toAll({
      type: "CUSTOM",
      name: "alma.memories",
      value: { ids: chosen.flatMap((act) => act.memories.map(({ id }) => id)), total: memories.size },
    });
    return pass;
  };
  const undo = ([id, n]) => {
    const pass = find(id);
    for (const act of pass.acts)
      if (act.undoneAt === null && (n === undefined || act.n === Number(n))) act.undoneAt = now();
    return detail(pass);
  };
  return [
    [
      "POST",
      /^\/memory\/refinement$/,
      (_, { dryRun }) => {
        const chosen = plan;
        const contradictions = open.length;
        if (dryRun || chosen.length === 0)
          return {
            passId: "",
            dryRun: !!dryRun,
            acts: chosen.map((act) => ({ ...act, n: 0 })),
            more: false,
            contradictions,
            ms: 41,
          };
        plan = [];
        const pass = add("asked", chosen);
        return { passId: pass.id, dryRun: false, acts: pass.acts, more: false, contradictions, ms: 96 };
      },
    ],
    ["GET", /^\/memory\/refinement\/passes$/, () => ({ passes: passes.map(shown), next: null })],
    ["GET", /^\/memory\/refinement\/passes\/([^/]+)$/, ([id]) => detail(find(id))],
    ["POST", /^\/memory\/refinement\/passes\/([^/]+)\/undo$/, undo],
    ["POST", /^\/memory\/refinement\/passes\/([^/]+)\/acts\/(\d+)\/undo$/, undo],
    ["GET", /^\/memory\/refinement\/contradictions$/, () => ({ contradictions: open })],
    [
      "POST",
      /^\/memory\/refinement\/contradictions$/,
      (_, { key, holds }) => {
        const one = open.find((each) => each.key === key);
        if (!one)
          throw new Problem(404, "unknown_contradiction", "No memories contradict each other about this.");
        open = open.filter((each) => each !== one);
        const over = holds === null ? [] : one.memories.filter(({ id }) => id !== holds).map(({ id }) => id);
        const why = holds === null ? "You said that all of them hold." : "You said which one holds.";
        const named = one.memories.map(({ id, text }) => ({ id, text }));
        return detail(
          add("owner", [{ what: "settle", why, memories: named, over, added: [], adds: [], left: [] }]),
        );
      },
    ],
  ];
}

/** Of what has no record of its own here. */
export function whyOf(item, chatOf) {
  const heard = (name, value, counts, said) => ({
    name,
    kind: "explicit",
    value,
    weight: counts,
    counts,
    at: now(),
    why: said,
    means: "",
  });
  const { threadId, runId } = chatOf("Trip to Porto");
  const run = (hours, reward, weight, signals) => ({
    runId,
    taskId: `t${hours}`,
    threadId,
    at: now() - hours * HOUR,
    reward,
    weight,
    now: weight * 0.94,
    share: 0.34,
    signals,
  });
  return {
    item,
    context: "",
    mean: 0.71,
    low: 0.56,
    high: 0.84,
    weight: 4.2,
    changed: false,
    priorMean: 0.6,
    priorWeight: 2,
    total: 3,
    runs: [
      run(5, 1, 0.34, [
        heard("thumb", 1, 1, "you said it was good"),
        heard("copied", 1, 0.3, "you copied the answer"),
      ]),
      run(52, 0.62, 0.12, [heard("silence", 0.62, 0.1, "you went on without a word")]),
      run(120, 0, 0.3, [heard("thumb", 0, 1, "you said it was bad: “the Ribeira is too loud”")]),
    ],
  };
}
