// Of the mock server: what is remembered. About 120 memories on eight subjects, with history, uses and neighbours; a search
// that counts words; a map where each subject is a cluster; export and import. `--forgetful` starts with none.

/** A line is `kind scope agent [key] | text`; kinds and scopes by their first letter. */
const SUBJECTS = {
  "Trip to Porto": `
S o user user.trip | The trip to Porto is from 12 to 19 October, with Nora.
S o user | Nora does not eat fish, so the restaurants in Porto need something else on the menu.
S o user user.budget.trip | The budget for Porto is 1,400 euros for both, flights not included.
E p manager | Asked for a quiet hotel near the river in Porto; the Ribeira was too loud last time.
E p researcher | Compared six hotels in Porto: Casa do Conto is the quietest, 128 euros a night with breakfast.
S t researcher | The tram line 1 in Porto runs along the Douro from Infante to Passeio Alegre every 20 minutes.
S t researcher | Serralves museum is free on the first Sunday of the month until one o'clock.
E p writer | Wrote a plan for three days in Porto; the second day was too full and was cut to two stops.
P t manager | For trips: ask for dates and budget first, then propose two plans, one slow and one full.
S o user | Mornings on a trip are for walking, museums come after lunch.
E p user | The train from Porto to Pinhão takes two and a half hours and should be booked a week ahead.
W t manager | Porto plan: hotel chosen, dinner on the 14th still open.
S t analyst | Flights on Tuesdays were 38 euros cheaper than on Fridays for the same week in October.`,
  "Heating the house": `
S o user user.house | The house is from 1962, 140 square metres, with radiators and a gas boiler of 1998.
S o user user.gas | The house used 21,400 kWh of gas last year.
S t analyst | A heat pump for this house would need about 11 kW at minus ten degrees outside.
S t analyst | Flow temperature is 52 °C on the coldest days, measured in February; that is low enough for a heat pump.
E p researcher | The subsidy for replacing a gas boiler covers 30 to 55 percent of the cost, up to 30,000 euros.
E p manager | Compared gas and heat pump: the heat pump saves about 640 euros a year at today's prices.
P t analyst | Give costs over fifteen years, with the assumptions in a table above the result.
S o user | Noise matters: the neighbour's bedroom window is four metres from where the unit would stand.
S t researcher | Propane (R290) units reach 70 °C and may stand outside only, one metre from any opening.
E p critic | The first calculation forgot the price of the new electric meter, 420 euros.
S t coder | The smart meter gives its readings as JSON on port 8081, once every ten seconds.
W t manager | Heating: two offers are in, the third comes on Monday.
S o user user.power.price | Electricity costs 31 cents per kWh, and 24 cents at night.`,
  "The bakery": `
S o user user.work | Runs a small bakery with four employees, open from six to two.
S o user | Rye bread sells out by ten on Saturdays; wheat rolls are left over on Mondays.
S t analyst | On rainy days the bakery sells 14 percent less, most of it cake.
P t writer | Texts for the bakery: short, warm, no exclamation marks, prices with a comma.
E p writer | Wrote the sign for the new sourdough; the third version was taken.
S o user user.flour | Flour comes from the mill in Aichach, 25 kg sacks, on Tuesdays and Fridays.
E p analyst | Counted the till of May: 2,914 customers, 7.80 euros each.
S o user | The oven takes 40 minutes to reach 250 °C and uses 9 kWh for that.
E p manager | Planned the shifts for August; Jonas is away from the 8th to the 22nd.
S t researcher | A pretzel must be weighed before baking; the label names the weight after it.
W t analyst | Bakery: the figures of June are missing from the 17th on.
P o user | Answers about the bakery's numbers should end with one sentence on what to do.
S o user user.employees | The bakery has five employees since September.`,
  "Running again": `
S o user user.goal.run | Wants to run ten kilometres in under 55 minutes by spring.
S o user | The left knee hurts after more than eight kilometres on asphalt.
E p coder | Read the watch's export: resting pulse fell from 64 to 58 within three months.
S t researcher | Strength training twice a week lowers the risk of runner's knee by about a third.
E p manager | Made a plan of twelve weeks: three runs a week, one of them slow and long.
S o user user.shoes | Runs in shoes with an 8 mm drop, bought in June, 310 km so far.
P t manager | Health questions: say what is known, what is not, and when to see a doctor.
E p user | Ran 7.2 km in 41 minutes on Sunday, without pain.
S o user | Sleeps best after running in the morning; evening runs keep awake.
S t analyst | Pace at the same pulse improved by 18 seconds per kilometre since April.
W t manager | Running: week six of twelve, the long run is moved to Sunday.
E p critic | The plan raised the distance by 20 percent in one week; it was changed to 10.`,
  "Alma itself": `
S o user | Likes answers that begin with the result and give the reasons after it.
P o user | Never use the word “leverage”, and no bullet points for fewer than three things.
S o user user.language | Writes German at home and English at work; answer in the language of the question.
S o user user.units | Metric units, 24-hour clock, dates as 12 October.
P t critic | Check every number in a draft against its source before it is passed on.
P t coder | Python with type hints and small functions; tests before refactoring.
E p manager | A task of three parts was planned with five agents; two would have been enough.
E p critic | The writer cited a source that did not hold the sentence; the citation was taken out.
S t coder | The repository is checked with ruff, pyright and pytest; the tests take four minutes.
S o user | Prefers tables where three or more things are compared in two or more ways.
P t researcher | Two sources for each claim; if there is one, say so.
S o user user.name | Is called Mara.
W t writer | Draft two of the newsletter waits for the photo.`,
  "Cooking for six": `
S o user | Cooks on Sundays for six, two of them children who avoid anything green.
S o user user.allergy | Jonas is allergic to hazelnuts.
E p writer | Wrote a shopping list for lasagne with spinach hidden in the sauce; it was liked.
S t researcher | Risotto for six needs 480 g of rice and 1.6 litres of stock.
E p manager | Suggested a soup before the roast; that was too much food.
S o user | The oven at home has no fan and runs ten degrees too hot.
P t writer | Recipes: ingredients in the order of use, times in minutes, no story before them.
S t analyst | A kilo of beef for six costs 17 euros at the market, 12 at the supermarket.
E p user | The lemon tart needs five minutes less than the recipe says.
S o user user.market | The market is on Thursday and Saturday morning.
S o user | Nora cooks on Wednesdays.
E p researcher | Found three desserts without nuts; the panna cotta was chosen.`,
  "Nora's birthday": `
S o user user.nora.birthday | Nora's birthday is on 3 November; she turns forty.
S o user | Nora plays the cello and has wanted a new bow for years.
E p researcher | A carbon bow costs 300 to 700 euros; the shop in Augsburg lends them for a week.
S o user | The party is a surprise: nothing about it in the shared calendar.
E p writer | Wrote a speech of two minutes about the winter without heating; keep it short.
S t researcher | The room above the wine shop holds 35 people and costs 180 euros an evening.
W t manager | Birthday: 27 invited, 19 yes, 3 no.
S o user user.cake | The cake is a Sacher, without hazelnuts because of Jonas.
E p manager | The band asks for 600 euros; a playlist was chosen instead.
P t manager | Surprises: never put them into a text that others might read along.
S o user | Nora's parents arrive by train on the 2nd at 16:40.`,
};
/** Pieces of files, by place. */
const FILES = {
  "handbook.pdf": [
    ["page 3", "The unit is to be installed on a level base, at least 30 cm from any wall."],
    ["page 7", "Defrosting starts by itself below 5 °C and takes three to eight minutes."],
    [
      "page 12",
      "The heating curve is set in the menu Installer › Circuit 1; begin with 0.6 and raise it in steps of 0.1.",
    ],
    ["page 12", "If rooms stay cold while the curve is right, check the flow through the radiators first."],
    ["page 19", "Sound level at night mode: 38 dB(A) at three metres."],
    ["page 24", "Error E32: pressure too low. Refill to 1.5 bar while the unit is cold."],
    ["page 31", "Maintenance once a year: clean the evaporator, check the drain, read the error log."],
  ],
  "recipes.md": [
    [
      "Bread › Rye",
      "Sourdough 400 g, rye flour 600 g, water 420 g, salt 18 g; rest for 90 minutes, bake for 55.",
    ],
    ["Bread › Rolls", "Rolls are shaped cold and go into the oven from the fridge, 18 minutes at 230 °C."],
    ["Cake › Sacher", "Six eggs, 150 g butter, 150 g chocolate; the glaze is poured at 34 °C, in one go."],
    ["Cake › Lemon tart", "Blind-bake for 15 minutes; the filling sets at 72 °C."],
  ],
  "offers.csv": [
    [
      "rows 2 to 40",
      "supplier, unit, power_kw, price_eur: Huber, Aero 11, 11.2, 23840; Weiss, PropanPlus 12, 12.0, 26110",
    ],
    [
      "rows 41 to 78",
      "supplier, item, price_eur: Huber, buffer 200 l, 1290; Weiss, new meter, 420; Weiss, base, 780",
    ],
  ],
  "contract.docx": [
    [
      "§ 4 Term",
      "The lease of the shop runs until 31 December 2028 and is prolonged by two years unless ended twelve months before.",
    ],
    ["§ 9 Noise", "Ventilation may be used from five in the morning; deliveries from six."],
  ],
};
const KINDS = { W: "working", E: "episodic", S: "semantic", P: "procedural" };
const SCOPES = { p: "private", t: "team", o: "owner" };
const DAY = 86_400;

let seed = 7;
const random = () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
};
const bell = () => random() + random() + random() - 1.5;

/** By id. */
export const memories = new Map();
const histories = new Map();
const usesOf = new Map();
const places = new Map();

const NO_SOURCE = {
  threadId: "",
  runId: "",
  taskId: "",
  messageId: "",
  documentId: "",
  file: "",
  place: "",
  start: 0,
  end: 0,
};

function keep(id, at, more, centre) {
  const memory = {
    id,
    agent: "user",
    kind: "semantic",
    scope: "owner",
    key: "",
    source: NO_SOURCE,
    line: "",
    position: 0,
    parent: "",
    speaker: "",
    createdAt: at,
    seenAt: at,
    validFrom: at,
    validTo: null,
    supersededBy: "",
    forgottenAt: null,
    archivedAt: null,
    count: 1,
    uses: 0,
    usedAt: 0,
    utility: 0,
    strength: 0,
    pinned: false,
    version: 1,
    ...more,
  };
  memories.set(id, memory);
  histories.set(id, [{ version: 1, at, what: "added", by: memory.agent, before: {} }]);
  usesOf.set(id, []);
  places.set(id, [centre[0] + bell() * 0.13, centre[1] + bell() * 0.13]);
  return memory;
}

function fill(chatOf) {
  const now = Date.now() / 1000;
  let count = 0;
  const subjects = Object.entries(SUBJECTS);
  for (const [at, [title, text]] of subjects.entries()) {
    const angle = (at / (subjects.length + 1)) * 2 * Math.PI;
    const centre = [0.62 * Math.cos(angle), 0.62 * Math.sin(angle)];
    const { threadId, runId } = chatOf(title);
    for (const [position, line] of text.trim().split("\n").entries()) {
      const [head, said] = line.split(" | ");
      const [kind, scope, agent, key = ""] = head.split(" ");
      count += 1;
      const byHand = agent === "user" && position % 5 === 4;
      const when = now - (at * 9 + (13 - position) * 0.7 + random()) * DAY * (kind === "W" ? 0.1 : 1);
      keep(
        `m_${String(count).padStart(4, "0")}`,
        when,
        {
          agent,
          kind: KINDS[kind],
          scope: SCOPES[scope],
          key,
          text: said,
          source: byHand
            ? NO_SOURCE
            : { ...NO_SOURCE, threadId, runId, messageId: `${runId}.${agent}`, end: said.length },
          line: byHand ? "" : `thread ${title}`,
          position,
          speaker: agent === "user" ? "user" : agent,
          pinned: count % 17 === 1,
          count: count % 6 === 0 ? 2 + (count % 4) : 1,
        },
        centre,
      );
    }
  }
  for (const [file, pieces] of Object.entries(FILES))
    for (const [position, [place, text]] of pieces.entries()) {
      count += 1;
      keep(
        `m_${String(count).padStart(4, "0")}`,
        now - (20 + position * 0.01) * DAY,
        {
          text,
          source: {
            ...NO_SOURCE,
            documentId: `d_${file}`,
            file,
            place,
            start: position * 400,
            end: position * 400 + 200,
          },
          line: `document ${file}`,
          position,
        },
        file === "handbook.pdf" || file === "offers.csv" ? [0.55, -0.62] : [-0.12, 0.08],
      );
    }
  tellPast(now, chatOf);
}

/** How what was archived begins, and what says the same. */
const ARCHIVED = [
  ["Counted the till of May", ""],
  ["Asked for a quiet hotel near the river", "Compared six hotels in Porto"],
  ["Wrote a plan for three days in Porto", "Compared six hotels in Porto"],
];

/** What was changed, superseded, archived, forgotten and used. */
function tellPast(now, chatOf) {
  const withKey = (key) => [...memories.values()].find((memory) => memory.key === key);
  const [shop, five] = [withKey("user.work"), withKey("user.employees")];
  shop.validTo = five.validFrom;
  shop.supersededBy = five.id;
  histories
    .get(shop.id)
    .push({ version: 2, at: five.validFrom, what: "superseded", by: "manager", before: { validTo: null } });
  shop.version = 2;
  const trip = withKey("user.trip");
  histories.get(trip.id).push(
    {
      version: 2,
      at: trip.createdAt + 2 * DAY,
      what: "edited",
      by: "user",
      before: { text: "The trip to Porto is from 10 to 17 October, with Nora." },
    },
    { version: 3, at: trip.createdAt + 3 * DAY, what: "merged", by: "manager", before: { count: 1 } },
  );
  Object.assign(trip, { version: 3, count: 2, seenAt: trip.createdAt + 3 * DAY, pinned: true });
  const price = withKey("user.power.price");
  histories.get(price.id).push({
    version: 2,
    at: now - DAY,
    what: "edited",
    by: "user",
    before: { text: "Electricity costs 34 cents per kWh, and 24 cents at night.", kind: "episodic" },
  });
  price.version = 2;
  for (const id of ["m_0038", "m_0051"]) {
    const memory = memories.get(id);
    memory.forgottenAt = now - 2 * DAY;
    memory.version += 1;
    histories
      .get(id)
      .push({ version: memory.version, at: memory.forgottenAt, what: "forgotten", by: "user", before: {} });
  }
  for (const [begin, kept] of ARCHIVED) {
    const memory = [...memories.values()].find(({ text }) => text.startsWith(begin));
    const over = [...memories.values()].find(({ text }) => kept !== "" && text.startsWith(kept));
    Object.assign(memory, {
      archivedAt: now - 0.2 * DAY,
      supersededBy: over?.id ?? "",
      version: memory.version + 1,
    });
    const by = "refinement:p_3a";
    histories
      .get(memory.id)
      .push({ version: memory.version, at: memory.archivedAt, what: "archived", by, before: {} });
  }
  const roles = ["manager", "researcher", "writer", "analyst"];
  const titles = Object.keys(SUBJECTS);
  for (const [at, memory] of [...memories.values()].entries()) {
    const times = at === 0 ? 4 : (at * 7) % 11 > 6 ? (at * 3) % 6 : 0;
    for (let use = 0; use < times; use++) {
      const { threadId, runId, title } = chatOf(titles[(at + use) % titles.length]);
      usesOf.get(memory.id).push({
        runId,
        messageId: `${runId}.main`,
        threadId,
        title,
        role: roles[(at + use) % roles.length],
        score: 0.4 + ((at * 13 + use * 7) % 50) / 100,
        at: now - (use * 3 + 0.4) * DAY,
      });
    }
    memory.uses = times;
    memory.usedAt = times > 0 ? now - 0.4 * DAY : 0;
    memory.utility = times > 0 ? ((at % 9) - 3) / 8 : 0;
    memory.strength = times > 0 ? times / 2 : 0;
  }
}

const wordsIn = (text) => text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [];
const isAlive = (memory) => holds(memory) && memory.archivedAt === null;
const holds = (memory) => memory.validTo === null && memory.forgottenAt === null;
const inState = (memory, state) =>
  state === "any" ||
  (state === "alive" && isAlive(memory)) ||
  (state === "archived" && holds(memory) && memory.archivedAt !== null) ||
  (state === "forgotten" && memory.forgottenAt !== null) ||
  (state === "superseded" && memory.validTo !== null && memory.forgottenAt === null);

const isPiece = (memory) => memory.source.documentId !== "";
const authorOf = (memory) => (memory.speaker === "user" ? "user" : memory.agent);

function wanted(query) {
  const any = (name, value) => query.getAll(name).length === 0 || query.getAll(name).includes(value);
  const since = Number(query.get("since") ?? 0);
  return [...memories.values()].filter(
    (memory) =>
      any("kind", memory.kind) &&
      any("scope", memory.scope) &&
      any("agent", authorOf(memory)) &&
      (query.get("files") === null || String(isPiece(memory)) === query.get("files")) &&
      any("run", memory.source.runId) &&
      any("document", memory.source.documentId) &&
      inState(memory, query.get("state") ?? "alive") &&
      (query.get("pinned") === null || String(memory.pinned) === query.get("pinned")) &&
      memory.createdAt >= since,
  );
}

/** Words count; who is on the same subject as the best is like it. */
function search(text, among) {
  const asked = wordsIn(text);
  const byWords = among
    .map((memory) => {
      const has = wordsIn(memory.text);
      const words = asked.filter((word) => has.some((other) => other === word || other.startsWith(word)));
      return {
        memory,
        words: [...new Set(words)],
        bm25: words.reduce((sum, word) => sum + word.length / 3, 0),
      };
    })
    .sort((one, other) => other.bm25 - one.bm25);
  const best = byWords[0];
  if (best === undefined || best.bm25 === 0) return [];
  const near = ([x, y], [u, v]) => Math.hypot(x - u, y - v);
  const scored = byWords.map((each) => ({
    ...each,
    cosine: Math.max(
      0,
      0.71 - near(places.get(each.memory.id), places.get(best.memory.id)) * 0.6 + each.words.length * 0.04,
    ),
  }));
  const byMeaning = [...scored].sort((one, other) => other.cosine - one.cosine);
  return scored
    .filter(({ bm25, cosine }) => bm25 > 0 || cosine > 0.52)
    .map(({ memory, words, bm25, cosine }) => {
      const denseRank = byMeaning.findIndex((each) => each.memory === memory) + 1;
      const textRank = bm25 > 0 ? byWords.findIndex((each) => each.memory === memory) + 1 : 0;
      const fused = 0.5 / (1 + denseRank / 8) + (textRank > 0 ? 0.4 / (1 + textRank / 8) : 0);
      const gains = {
        neighbour: memory.position % 3 === 1 ? 0.08 : 0,
        recency: memory.createdAt > Date.now() / 1000 - 10 * DAY ? 0.03 : 0,
        utility: memory.utility * 0.05,
        pinned: memory.pinned ? 0.05 : 0,
        diversity: memory.position % 7 === 6 ? -0.05 : 0,
      };
      const score = fused + gains.neighbour + gains.recency + gains.utility + gains.pinned + gains.diversity;
      const reasons = { cosine, denseRank, bm25, textRank, fused, ...gains, words, near: "" };
      return { memory, score, reasons };
    })
    .sort((one, other) => other.score - one.score);
}

function list(query) {
  const among = wanted(query);
  const limit = Number(query.get("limit") ?? 50);
  const text = (query.get("query") ?? "").trim();
  if (text !== "") {
    const found = search(text, among);
    return { memories: found.slice(0, limit), total: found.length, next: null, ms: 4.2, dense: true };
  }
  const sorted = among.sort((one, other) => other.createdAt - one.createdAt);
  const from = Number(query.get("before") || 0);
  const page = sorted.slice(from, from + limit).map((memory) => ({ memory, score: null, reasons: null }));
  const next = from + limit < sorted.length ? String(from + limit) : null;
  return { memories: page, total: sorted.length, next, ms: 0.8, dense: true };
}

const dayOf = (seconds) =>
  new Date(seconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "long" });

function labelOf({ source, kind, scope, speaker, agent, createdAt }) {
  if (source.file) return source.place ? `${source.file}, ${source.place}` : source.file;
  if (kind === "episodic")
    return `${speaker === "user" ? "the user" : speaker || agent}, ${dayOf(createdAt)}`;
  if (kind === "working") return `${agent}, just now`;
  if (kind === "procedural") return "how to do it";
  return scope === "owner" ? "about the user" : `noted on ${dayOf(createdAt)}`;
}

/** What an agent is reminded of for a query (never of what the mock's own runs left, which would differ each time), as `alma.recalled` says it; `null`: of nothing. */
export function recallFor(query, messageId, { most = 4, callId = "", dense = true } = {}) {
  const among = [...memories.values()].filter((memory) => isAlive(memory) && !memory.id.startsWith("m_r_"));
  const found = search(query, among).filter(({ score, memory }) => score > 0.3 && memory.text !== query);
  if (found.length === 0) return null;
  const hits = found.slice(0, most).map(({ memory, score, reasons }) => ({
    id: memory.id,
    text: memory.text,
    score,
    label: labelOf(memory),
    kind: memory.kind,
    scope: memory.scope,
    agent: memory.agent,
    tokens: Math.ceil(memory.text.length / 4),
    cosine: dense ? reasons.cosine : 0,
    dense_rank: dense ? reasons.denseRank : 0,
    bm25: reasons.bm25,
    text_rank: reasons.textRank,
    fused: reasons.fused,
    neighbour: reasons.neighbour,
    recency: reasons.recency,
    utility: reasons.utility,
    diversity: reasons.diversity,
    words: reasons.words,
    created_at: memory.createdAt,
    document_id: memory.source.documentId,
  }));
  const reasons = ["alike", "known", "budget", "weak", "weak"];
  const missed = found.slice(most, most + reasons.length).map(({ memory, score }, at) => ({
    id: memory.id,
    text: memory.text,
    score,
    why: reasons[at],
  }));
  return { messageId, query, hits, missed, callId, considered: among.length, dense, ms: 4.2 };
}

/** Keeps what a run said: a line of what was asked, and what each of its agents wrote first. */
export function keepRun({ threadId, id: runId, text }, said) {
  const kept = [["user", "", text], ...said].map(([agent, taskId, line], position) => {
    const source = { ...NO_SOURCE, threadId, runId, taskId, messageId: `${runId}.${taskId || "main"}` };
    const more = { agent: agent === "user" ? "manager" : agent, kind: "episodic", scope: "private" };
    const speaker = agent === "user" ? "user" : agent;
    const place = { line: `thread ${threadId}`, position, speaker };
    return keep(
      `m_${runId}_${position}`,
      Date.now() / 1000,
      { ...more, ...place, text: line, source },
      [0.1, 0.1],
    );
  });
  return kept.map(({ id }) => id);
}

/** What is remembered of a file; of each piece how often it was used. */
export const piecesOf = (documentId) =>
  [...memories.values()].filter((memory) => memory.source.documentId === documentId && isAlive(memory));

export function keepPiece(id, { documentId, file, place, start, end, text }, position) {
  const source = { ...NO_SOURCE, documentId, file, place, start, end };
  return keep(
    id,
    Date.now() / 1000,
    { agent: "library", text, source, line: `document ${file}`, position },
    [0.3, 0.3],
  );
}

export function dropPieces(documentId) {
  for (const { id } of piecesOf(documentId)) memories.delete(id);
}

function countsBy(of) {
  const counts = {};
  for (const memory of memories.values())
    if (isAlive(memory) && !isPiece(memory)) counts[of(memory)] = (counts[of(memory)] ?? 0) + 1;
  return counts;
}

function state() {
  const all = [...memories.values()];
  const counts = {
    alive: all.filter(isAlive).length,
    inFiles: all.filter((memory) => isAlive(memory) && isPiece(memory)).length,
    superseded: all.filter((memory) => inState(memory, "superseded")).length,
    archived: all.filter((memory) => inState(memory, "archived")).length,
    forgotten: all.filter((memory) => memory.forgottenAt !== null).length,
    byKind: countsBy(({ kind }) => kind),
    byScope: countsBy(({ scope }) => scope),
    byAgent: countsBy(authorOf),
  };
  const index = {
    backend: "usearch",
    model: "minilm",
    dimensions: 384,
    entries: counts.alive,
    missing: 0,
    role: "serving",
  };
  return { on: true, counts, indexes: [index], waiting: 0, problem: "" };
}

function detail(id, Problem) {
  const memory = memories.get(id);
  if (memory === undefined) throw new Problem(404, "unknown_memory", "There is no such memory.");
  const around = [...memories.values()]
    .filter(
      ({ line, position }) =>
        line !== "" && line === memory.line && Math.abs(position - memory.position) <= 2,
    )
    .filter((other) => other !== memory)
    .sort((one, other) => one.position - other.position);
  const superseded = [...memories.values()].filter((other) => other.supersededBy === id);
  return { memory, history: histories.get(id), uses: usesOf.get(id), around, superseded };
}

function changed(memory, what, before) {
  memory.version += 1;
  histories.get(memory.id).push({ version: memory.version, at: Date.now() / 1000, what, by: "user", before });
}

function edit(id, body, Problem) {
  const { memory } = detail(id, Problem);
  if (body.version !== memory.version)
    throw new Problem(409, "changed_meanwhile", "This memory was changed meanwhile.");
  const { version: _, ...change } = body;
  const before = Object.fromEntries(Object.keys(change).map((key) => [key, memory[key]]));
  Object.assign(memory, change);
  changed(memory, "edited", before);
  return memory;
}

function map(asked) {
  const query = new URLSearchParams(asked);
  query.delete("run");
  const among = wanted(query);
  const points = among.map((memory) => ({
    id: memory.id,
    x: places.get(memory.id)[0],
    y: places.get(memory.id)[1],
    kind: memory.kind,
    agent: memory.agent,
    speaker: memory.speaker,
    scope: memory.scope,
    createdAt: memory.createdAt,
    utility: memory.utility,
    uses: memory.uses,
    pinned: memory.pinned,
    label: memory.text.slice(0, 120),
  }));
  const run = asked.get("run") ?? "";
  const ofRun = run === "" ? [] : among.filter((_, at) => at % 11 === 3 && at < 60).map(({ id }) => id);
  return { points, total: among.length, explained: 0.34, ofRun };
}

function importLines(text) {
  const reply = { added: 0, merged: 0, replaced: 0, passedOver: 0, problems: [] };
  for (const [at, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    let parsed = null;
    try {
      parsed = JSON.parse(line);
    } catch {
      // Told below.
    }
    const problem =
      parsed === null
        ? "This is no JSON."
        : typeof parsed.text !== "string" || parsed.text === ""
          ? "It has no text."
          : parsed.kind !== undefined && !Object.values(KINDS).includes(parsed.kind)
            ? `There is no kind “${parsed.kind}”; there are working, episodic, semantic and procedural.`
            : null;
    if (problem !== null) {
      reply.passedOver += 1;
      reply.problems.push({ line: at + 1, message: problem });
    } else if ([...memories.values()].some((memory) => memory.text === parsed.text)) reply.merged += 1;
    else {
      add(parsed);
      reply.added += 1;
    }
  }
  return reply;
}

function add({ text, kind = "semantic", scope = "owner", key = "", pinned = false }) {
  const same = [...memories.values()].find((memory) => memory.text === text);
  if (same !== undefined) {
    same.count += 1;
    return { memory: same, merged: true, superseded: [] };
  }
  const id = `m_${String(memories.size + 1).padStart(4, "0")}`;
  return {
    memory: keep(id, Date.now() / 1000, { text, kind, scope, key, pinned }, [0, 0]),
    merged: false,
    superseded: [],
  };
}

/** `toAll` tells every page; `chatOf(subject)` gives a chat and a run that a memory may come from. */
export function memoryRoutes({ Problem, toAll, chatOf }) {
  if (!process.argv.includes("--forgetful")) fill(chatOf);
  const tell = (...ids) => {
    const total = [...memories.values()].filter(isAlive).length;
    toAll({ type: "CUSTOM", name: "alma.memories", value: { ids, total } });
  };
  const told = (memory) => {
    tell(memory.id);
    return memory;
  };
  return [
    ["GET", /^\/memory$/, state],
    ["POST", /^\/memory\/reindex$/, state],
    ["GET", /^\/memories$/, (_, __, query) => list(query)],
    [
      "POST",
      /^\/memories$/,
      (_, body) => {
        const added = add(body);
        tell(added.memory.id);
        return added;
      },
    ],
    [
      "POST",
      /^\/memories\/import$/,
      (_, body) => {
        const reply = importLines(body);
        if (reply.added > 0) tell();
        return reply;
      },
    ],
    [
      "GET",
      /^\/memories\/export$/,
      () => [...memories.values()].map((memory) => `${JSON.stringify(memory)}\n`).join(""),
    ],
    ...["forget", "restore"].map((what) => [
      "POST",
      new RegExp(`^/memories/${what}$`),
      (_, { ids }) => {
        const done = ids.filter((id) => (memories.get(id)?.forgottenAt === null) === (what === "forget"));
        for (const id of done) {
          memories.get(id).forgottenAt = what === "forget" ? Date.now() / 1000 : null;
          changed(memories.get(id), what === "forget" ? "forgotten" : "restored", {});
          tell(id);
        }
        return { changed: done, unknown: ids.filter((id) => !memories.has(id)) };
      },
    ]),
    ["GET", /^\/memories\/map$/, (_, __, query) => map(query)],
    ["GET", /^\/memories\/([^/]+)$/, ([id]) => detail(id, Problem)],
    ["PATCH", /^\/memories\/([^/]+)$/, ([id], body) => told(edit(id, body, Problem))],
    [
      "DELETE",
      /^\/memories\/([^/]+)$/,
      ([id], _, query) => {
        const { memory } = detail(id, Problem);
        if (query.get("purge") === "true") memories.delete(id);
        else {
          memory.forgottenAt = Date.now() / 1000;
          changed(memory, "forgotten", {});
        }
        return told(memory);
      },
    ],
    [
      "POST",
      /^\/memories\/([^/]+)\/restore$/,
      ([id]) => {
        const { memory } = detail(id, Problem);
        memory.forgottenAt = null;
        memory.archivedAt = null;
        changed(memory, "restored", {});
        return told(memory);
      },
    ],
  ];
}
