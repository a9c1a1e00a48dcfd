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
