/** Learning, as canned: feedback that comes back as an event, and shares that move a little. */

const MIB = 1024 * 1024;
const now = () => Date.now() / 1000;
const wave = (at, phase) => 1 + 0.45 * Math.sin(at / 700 + phase);

const ROLES = [
  ["analyst", 0, 3, 2, 0.71],
  ["researcher", 2, 6, 3, 0.82],
  ["writer", 4, 1, 1, 0.55],
];
const STORES = [
  ["vectors", 10, 8, 9.2, 8210, 1933, "Got 0.5 MiB of answers: it was asked for what it had let go."],
  ["token counts", 4, 4, 2.1, 40_211, 6012, "As it began."],
  ["answers", 6, 8, 1.4, 310, 42, "Gave 0.5 MiB to vectors, which lost more by having less."],
  ["prefixes", 256, 256, 120, 96, 14, "As it began."],
];

function shares() {
  const at = now();
  return {
    on: true,
    roles: ROLES.map(([role, phase, queued, active, mean]) => ({
      role,
      weight: wave(at, phase),
      goal: wave(at + 20, phase),
      queued,
      active,
      waitS: queued * 0.4,
      mean,
      evidence: 24,
      warm: role === "researcher",
      why: `${queued + active} of 16 tasks want it, and its reward is ${mean} on average; it gets ${wave(at, phase) > 1 ? "more" : "less"}.`,
    })),
    history: Array.from({ length: 121 }, (_, index) => at - 30 * (120 - index)).map((then) => ({
      at: then,
      weights: Object.fromEntries(ROLES.map(([role, phase]) => [role, wave(then, phase)])),
    })),
    stores: STORES.map(([name, most, usual, used, hits, misses, why]) => ({
      name,
      most: most * MIB,
      usual: usual * MIB,
      floor: (usual * MIB) / 4,
      used: used * MIB,
      hits,
      misses,
      hitRate: hits / (hits + misses),
      why,
    })),
  };
}

/** What learning did for a run: which way it chose, of which, and what it told. */
export const learnedEvents = (messageId) => ({
  "alma.choices": {
    role: "manager",
    choices: [
      {
        what: "arm",
        chosen: "writer-brief|pool/llama-3.3-70b|",
        by: "explored",
        propensity: 0.14,
        context: "creative",
        options: [
          { id: "manager||", mean: 0.68, low: 0.59, high: 0.76, share: 0.86 },
          { id: "writer-brief|pool/llama-3.3-70b|", mean: 0.64, low: 0.41, high: 0.84, share: 0.14 },
        ],
      },
    ],
  },
  "alma.lessons": {
    messageId,
    considered: 4,
    notes: [
      { id: "n1", text: "Name the source of each number.", version: "77aa02f0e1b2" },
      { id: "n2", text: "Give prices in euros.", version: "77aa02f0e1b2" },
    ],
    examples: [
      {
        id: "l_3",
        task: "A haiku about rain on a tin roof",
        answer: "Rain on the tin roof\nthe kettle answers slowly\nboth run out of breath",
        similarity: 0.81,
        utility: 0.24,
        tokens: 34,
      },
    ],
  },
});

export function learningRoutes({ Problem, runs, record, custom }) {
  return [
    ["GET", /^\/learning\/shares$/, shares],
    [
      "POST",
      /^\/runs\/(.+)\/feedback$/,
      ([id], { signal, value = 1, reason = "", text = "", other = "", taskId }) => {
        if (!runs.has(id)) throw new Problem(404, "unknown_run", `There is no run ${id}.`);
        const of = taskId ? { subagentRunId: taskId } : {};
        record(runs.get(id), custom("alma.signal", { signal, value, reason, text, other }, of));
        return { said: { signal, value, reason, text, other }, duplicate: false };
      },
    ],
  ];
}
