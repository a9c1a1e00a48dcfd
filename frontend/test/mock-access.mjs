// Who may enter, and how much of what they may do. `--guarded` (or a cookie `guarded`) asks for a token: "alma_anna" is an
// administrator's, "alma_ben" is not, "alma_late" has expired; after six wrong ones it wants a pause. `--limited` (or a
// message with "limited") refuses every second message for three seconds.
const DAY = 86_400;
const now = () => Date.now() / 1000;
const GUARDED = process.argv.includes("--guarded");
const LIMITED = process.argv.includes("--limited");
const PEOPLE = {
  alma_anna: { owner: "anna", admin: true, token: "laptop" },
  alma_ben: { owner: "ben", admin: false, token: "ben" },
};
let wrong = 0;

const token = (id, name, more = {}) => ({
  id,
  name,
  owner: name,
  admin: false,
  createdAt: now() - 40 * DAY,
  expiresAt: now() + 50 * DAY,
  revokedAt: null,
  usedAt: 0,
  ...more,
});
let tokens = [
  token("k_1", "laptop", { owner: "anna", admin: true, usedAt: now() - 20, expiresAt: now() + 4 * DAY }),
  token("k_2", "ben", { usedAt: now() - 3 * 3600 }),
  token("k_3", "nightly import", { owner: "anna", expiresAt: null, usedAt: now() - 9 * 3600 }),
  token("k_4", "guest", {
    createdAt: now() - 100 * DAY,
    expiresAt: now() - 10 * DAY,
    usedAt: now() - 11 * DAY,
  }),
  token("k_5", "old phone", { owner: "ben", revokedAt: now() - 30 * DAY, usedAt: now() - 31 * DAY }),
];

const cookiesOf = (request) =>
  Object.fromEntries((request.headers.cookie ?? "").split("; ").map((pair) => pair.split("=")));
const isGuarded = (request) => GUARDED || cookiesOf(request).guarded === "1";

/** Who asks; null: nobody we know. */
export function callerOf(request) {
  if (!isGuarded(request)) return { owner: "local", admin: true, token: "" };
  return PEOPLE[cookiesOf(request).alma_session] ?? null;
}

export const welcomeOf = (caller) => (caller.token === "" ? {} : caller);

/** The doors that know who asks; `null`: it is none of them. */
export function accessRoute(request, response, path, body) {
  const caller = callerOf(request);
  const say = (status, reply, headers = {}) => {
    const type = status < 400 ? "application/json" : "application/problem+json";
    response.writeHead(status, { "content-type": type, ...headers });
    response.end(reply === undefined ? undefined : JSON.stringify(reply));
    return true;
  };
  const refuse = (status, code, detail, hint, headers) =>
    say(status, { title: code, status, code, detail, hint }, headers);
  if (path === "/session" && request.method === "GET") {
    const known = caller !== null;
    return say(200, { known, owner: "", admin: false, token: "", expiresAt: null, ...caller });
  }
  if (path === "/session" && request.method === "DELETE")
    return say(204, undefined, { "set-cookie": "alma_session=; Path=/; Max-Age=0" });
  if (path === "/session") {
    if (PEOPLE[body.token]) {
      wrong = 0;
      const reply = { known: true, expiresAt: now() + 7 * DAY, ...PEOPLE[body.token] };
      return say(200, reply, {
        "set-cookie": `alma_session=${body.token}; Path=/; HttpOnly; SameSite=Strict`,
      });
    }
    if (++wrong > 6)
      return refuse(429, "too_many_sign_ins", "Too many wrong access tokens from here.", undefined, {
        "retry-after": "24",
      });
    if (body.token === "alma_late")
      return refuse(401, "token_expired", "This access token has expired.", "Ask for a new one.");
    return refuse(401, "token_unknown", "This access token is not known here.", "Is it complete?");
  }
  if (caller === null) return refuse(401, "token_missing", "An access token is needed here.");
  return null;
}

export function tokenRoutes({ Problem }) {
  return [
    ["GET", /^\/tokens$/, () => ({ tokens })],
    [
      "POST",
      /^\/tokens$/,
      (_, { name, owner, admin, days }) => {
        if (["laptop", "ben"].includes(name))
          throw new Problem(409, "token_exists", `There is a token “${name}” already.`, "Take another name.");
        const expiresAt = days === null ? null : now() + days * DAY;
        const made = token(`k_${tokens.length + 1}`, name, {
          owner: owner ?? name,
          admin,
          expiresAt,
          createdAt: now(),
        });
        tokens = [made, ...tokens.filter((other) => other.name !== name)];
        return { ...made, secret: "alma_7Qk2vR9mXe4TzB8cLhN1yWd6" };
      },
    ],
    [
      "DELETE",
      /^\/tokens\/(.+)$/,
      ([id]) => {
        tokens = tokens.map((each) => (each.id === id ? { ...each, revokedAt: now() } : each));
        return tokens.find((each) => each.id === id);
      },
    ],
  ];
}

const refused = new Set();

/** What a message is refused for, once each; null: nothing. */
export function limitOf({ type, key, text = "" }) {
  if (type !== "run.start" || !(LIMITED || /limited/.test(text)) || refused.has(key)) return null;
  refused.add(key);
  const limit = { policy: "messages", quota: 20, windowS: 60, retryAfterS: 6 };
  return { code: "too_many_messages", message: "More messages than this server takes at a time.", limit };
}
