// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AccessToken } from "@/lib/access-api";
import { endsSoon, endWords, outsideWords, tokenState, tokensInOrder, usedWords } from "@/lib/access-words";
import { api, request } from "@/lib/api";
import { isOurs, outside } from "@/lib/entry";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const SECOND = NOW / 1000;
const DAY = 86_400;
const TOKEN: AccessToken = {
  id: "1",
  name: "laptop",
  owner: "anna",
  admin: false,
  createdAt: SECOND - DAY,
  expiresAt: SECOND + 90 * DAY,
  revokedAt: null,
  usedAt: 0,
};

function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

describe("a token", () => {
  it("says how long it holds", () => {
    expect(endWords(TOKEN, NOW)).toBe("expires in 90 days");
    expect(endWords({ ...TOKEN, expiresAt: SECOND + 89.99 * DAY }, NOW)).toBe("expires in 90 days");
    expect(endWords({ ...TOKEN, expiresAt: SECOND + DAY }, NOW)).toBe("expires in 1 day");
    expect(endWords({ ...TOKEN, expiresAt: SECOND + 3_600 }, NOW)).toBe("expires today");
    expect(endWords({ ...TOKEN, expiresAt: null }, NOW)).toBe("does not expire");
    expect(endWords({ ...TOKEN, expiresAt: SECOND - DAY }, NOW)).toBe("expired on 25 Nov 2026");
    expect(endWords({ ...TOKEN, revokedAt: SECOND - DAY }, NOW)).toBe("revoked on 25 Nov 2026");
    expect(endsSoon(TOKEN, NOW)).toBe(false);
    expect(endsSoon({ ...TOKEN, expiresAt: SECOND + 3 * DAY }, NOW)).toBe(true);
  });

  it("says when it was used", () => {
    const used = (ago: number) => usedWords({ ...TOKEN, usedAt: SECOND - ago }, NOW);
    expect([5, 61, 7_300, 3 * DAY].map(used)).toEqual([
      "used just now",
      "used 1 minute ago",
      "used 2 hours ago",
      "used 3 days ago",
    ]);
    expect(usedWords(TOKEN, NOW)).toBe("never used");
  });

  it("that is over comes last", () => {
    const over = { ...TOKEN, id: "2", createdAt: SECOND, revokedAt: SECOND };
    const late = { ...TOKEN, id: "3", createdAt: SECOND, expiresAt: SECOND - 1 };
    expect(tokensInOrder([over, late, TOKEN], NOW).map(({ id }) => id)).toEqual(["1", "2", "3"]);
    expect([TOKEN, late, over].map((each) => tokenState(each, NOW))).toEqual(["valid", "expired", "revoked"]);
  });
});

describe("the way in", () => {
  beforeEach(() => {
    outside.set(null);
    sessionStorage.clear();
  });
  afterEach(() => void vi.unstubAllGlobals());

  it("is shut by any answer that asks for a token", async () => {
    vi.stubGlobal("fetch", async () => answer(401, { code: "token_revoked", detail: "It was revoked." }));
    await expect(api.models()).rejects.toMatchObject({ status: 401 });
    expect(outside.get()).toMatchObject({ code: "token_revoked", message: "It was revoked." });
  });

  it("says why only to who was inside, or whose token ended", () => {
    expect(outsideWords({ code: "token_missing", message: "" }, false)).toBeNull();
    expect(outsideWords({ code: "token_missing", message: "" }, true)).toMatch(/no longer/);
    expect(outsideWords({ code: "token_revoked", message: "" }, false)).toMatch(/revoked/);
    expect(outsideWords({ code: "token_expired", message: "" }, true)).toMatch(/expired/);
  });

  it("forgets what another has left in this tab", () => {
    sessionStorage.setItem("alma.drafts", "mine");
    expect(isOurs("anna")).toBe(true);
    expect(isOurs("anna")).toBe(true);
    expect(sessionStorage.getItem("alma.drafts")).toBe("mine");
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined); // jsdom cannot navigate
    expect(isOurs("ben")).toBe(false);
    expect(sessionStorage.getItem("alma.drafts")).toBeNull();
    expect(isOurs("ben")).toBe(true);
    errors.mockRestore();
  });
});

describe("a list that was asked for too fast", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("is asked for again when the server wants it, and not before", async () => {
    const answers = [
      answer(429, { code: "too_many_requests" }, { "retry-after": "3" }),
      answer(200, { models: [] }),
    ];
    const fetched = vi.fn(async () => answers.shift() as Response);
    vi.stubGlobal("fetch", fetched);
    const asked = api.models();
    await vi.advanceTimersByTimeAsync(2_900);
    expect(fetched).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(200);
    expect(await asked).toEqual({ models: [] });
    expect(fetched).toHaveBeenCalledTimes(2);
  });

  it("is not asked for again where something else is missing", async () => {
    const fetched = vi.fn(async () => answer(503, { code: "embedder_unavailable" }, { "retry-after": "5" }));
    vi.stubGlobal("fetch", fetched);
    await expect(api.models()).rejects.toMatchObject({ status: 503 });
    expect(fetched).toHaveBeenCalledOnce();
  });

  it("is given up where that takes an hour, and a change is never made twice", async () => {
    const fetched = vi.fn(async () => answer(429, { code: "too_many" }, { "retry-after": "3600" }));
    vi.stubGlobal("fetch", fetched);
    await expect(api.models()).rejects.toMatchObject({ status: 429 });
    await expect(request("POST", "/x", {})).rejects.toMatchObject({
      facts: { limit: { retryAfterS: 3600 } },
    });
    expect(fetched).toHaveBeenCalledTimes(2);
  });
});
