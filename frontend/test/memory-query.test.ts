import { describe, expect, it } from "vitest";
import { addressOf, HOME, parseView } from "@/lib/location";
import {
  ABOUT_ME,
  ALL_MEMORIES,
  formatFilters,
  isAboutMe,
  isNarrowed,
  type MemoryFilters,
  parseFilters,
  queryOf,
} from "@/lib/memory-query";

const NARROW: MemoryFilters = {
  text: "quiet hotel",
  kinds: ["semantic", "working"],
  scopes: ["team"],
  agents: ["analyst", "user"],
  origin: "all",
  state: "superseded",
  pinned: true,
  days: 7,
};

describe("what the list is narrowed to", () => {
  it("stands in the address, and comes back from it", () => {
    const find = formatFilters(NARROW);
    expect(find).toBe(
      "kind:semantic,working scope:team agent:analyst,user from:all state:superseded pinned:yes since:7d quiet hotel",
    );
    expect(parseFilters(find)).toEqual(NARROW);
    const view = { ...HOME, page: "memory", memory: "m_1", find } as const;
    expect(parseView(addressOf(view).slice(1))).toEqual(view);
  });

  it.each(["kind:semantic is a word here", "text:x", " begins with a space", "http://a b", "a  b"])(
    "keeps the text %j as it was typed",
    (text) => {
      for (const filters of [
        { ...ALL_MEMORIES, text },
        { ...NARROW, text },
      ])
        expect(parseFilters(formatFilters(filters))).toEqual(filters);
    },
  );

  it("of nothing is nothing; unknown values are left out", () => {
    expect(formatFilters(ALL_MEMORIES)).toBeNull();
    expect(parseFilters(null)).toEqual(ALL_MEMORIES);
    expect(parseFilters("kind:dream,working state:lost since:x")).toEqual({
      ...ALL_MEMORIES,
      kinds: ["working"],
    });
    expect(isNarrowed({ ...ALL_MEMORIES, text: "x" })).toBe(false);
    expect(isNarrowed(NARROW)).toBe(true);
    expect(isAboutMe({ ...ALL_MEMORIES, ...ABOUT_ME })).toBe(true);
    expect(isAboutMe(NARROW)).toBe(false);
  });

  it("is asked of the server by its own names", () => {
    const query = queryOf(NARROW, 1_000_000_000_000);
    expect(query.getAll("kind")).toEqual(["semantic", "working"]);
    expect(query.get("since")).toBe(String(1_000_000_000 - 7 * 86_400));
    expect(query.get("query")).toBe("quiet hotel");
    expect(query.has("files")).toBe(false);
    expect(queryOf(ALL_MEMORIES, 0).toString()).toBe("files=false");
    expect(queryOf(parseFilters("from:files"), 0).get("files")).toBe("true");
  });

  it("belongs to its page: elsewhere nothing of it is in the address", () => {
    expect(addressOf({ ...HOME, memory: "m_1", find: "x" })).toBe("/");
    expect(parseView("?page=nonsense").page).toBeNull();
  });
});
