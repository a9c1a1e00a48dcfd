// Of the mock server: the learning lab. Curves are drawn by hand: each policy loses at its own pace, until a world changes.

const WORLDS = [
  [
    "tastes",
    "Each user likes other manners in each kind of task.",
    900,
    true,
    { arms: 4, kinds: 3, good: 2, bad: 2 },
  ],
  [
    "skills",
    "Arms are roles with models; both have skills, and a role's description tells something of its.",
    900,
    true,
    { roles: 3, models: 2, kinds: 3, noise: 0.4 },
  ],
  [
    "drift",
    "At a known time the best arm becomes bad, and another the best.",
    900,
    false,
    { arms: 4, at: 400, fall: 0.35 },
  ],
  [
    "rising",
    "At a known time a bad arm becomes the best, while the one that was best stays as it is.",
    900,
    false,
    { arms: 4, at: 400, rise: 0.2 },
  ],
  [
    "adversarial",
    "A fifth of what users say is the opposite of what they mean.",
    900,
    true,
    { arms: 4, kinds: 2, inverted: 0.2 },
  ],
  [
    "lazy",
    "Only about a fifth of the answers is rated, bad ones rather than good ones.",
    1500,
    true,
    { arms: 4, kinds: 2 },
  ],
  [
    "costly",
    "Arms that answer better tend to be slower and dearer, and that is taken off their reward.",
    900,
    true,
    { arms: 5, dear: 0.3 },
  ],
  [
    "null",
    "All arms are equal: nothing can be learned, and nothing lost.",
    600,
    true,
    { arms: 4, mean: 0.6 },
  ],
];
/** With how much each loses of a task once it has learned, and how long that takes. */
const POLICIES = [
  [
    "alma",
    "Alma's bandit with its priors, its forgetting and its watch for changes, with the exploration that is set.",
    0.02,
    60,
  ],
  [
    "careful",
    "Alma's bandit as it comes: at most a tenth of the tasks is done otherwise than is believed best.",
    0.03,
    90,
  ],
  [
    "thompson",
    "Thompson sampling as in the textbook, which knows from which distribution the arms were drawn.",
    0.02,
    70,
  ],
  ["greedy", "Always the arm that is believed best, with the prior of the textbook.", 0.07, 50],
  ["round_robin", "One arm after the other.", 0.24, 1],
  ["random", "Any arm, each as likely as the others.", 0.24, 1],
  ["usual", "Always the usual arm: what happens when nothing is learned.", 0.2, 1],
];
const MOST = 120_000;
const POINTS = 60;
const BEST = 0.78;

function curvesOf(policy, { stationary, tasks, seeds }) {
  const [, , settled, slow] = POLICIES.find(([name]) => name === policy);
  const spread = 1 / Math.sqrt(seeds);
  const at = Array.from({ length: POINTS }, (_, index) => Math.round((tasks * (index + 1)) / POINTS));
  const slip = (task) => {
    const since = stationary || task < 400 ? task : task - 400;
    const learns = slow > 1 ? 0.24 * Math.exp(-since / (stationary || task < 400 ? slow : 2.2 * slow)) : 0;
    return settled + learns;
  };
  const wave = (task, phase) => 0.02 * Math.sin(task / 37 + phase) * spread * 3;
  let sum = 0;
  const regret = at.map((task, index) => {
    sum += slip(task) * (task - (at[index - 1] ?? 0));
    return sum;
  });
  const band = (values, reach) => ({
    mean: values,
    low: values.map((value, index) => value - reach(value, index)),
    high: values.map((value, index) => value + reach(value, index)),
  });
  return {
    policy,
    at,
    regret: band(regret, (value) => 0.4 * value * spread),
    reward: band(
      at.map((task) => BEST - slip(task) + wave(task, slow)),
      () => 0.12 * spread,
    ),
    best: band(
      at.map((task) => Math.max(0.2, 1 - 3.2 * slip(task) + wave(task, slow))),
      () => 0.2 * spread,
    ),
    regrets: Array.from({ length: seeds }, (_, seed) => sum * (1 + 0.2 * Math.sin(seed * 7 + slow))),
  };
}

export function labRoutes({ Problem }) {
  return [
    [
      "GET",
      /^\/learning\/lab$/,
      () => ({
        worlds: WORLDS.map(([name, about, tasks, stationary, settings]) => ({
          name,
          about,
          tasks,
          stationary,
          settings,
        })),
        policies: POLICIES.map(([name, about]) => ({ name, about })),
        most: MOST,
      }),
    ],
    [
      "POST",
      /^\/learning\/lab\/run$/,
      async (_, { world, policies, tasks = 0, seeds = 10 }) => {
        const [, , usual, stationary] = WORLDS.find(([name]) => name === world);
        const played = (tasks || usual) * seeds * policies.length;
        if (played > MOST)
          throw new Problem(
            400,
            "lab_too_large",
            "That is more than the lab plays at once.",
            "Take fewer seeds, or `alma lab run`, which has no bound.",
          );
        const of = { stationary, tasks: tasks || usual, seeds };
        return { world, tasks: of.tasks, seeds, curves: policies.map((policy) => curvesOf(policy, of)) };
      },
    ],
  ];
}
