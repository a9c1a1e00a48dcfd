import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { forgetMany } from "@/features/memory/forget-many";
import { memoryList } from "@/lib/memory-list";
import type { NoticeItem } from "@/lib/notices";
import { session } from "@/lib/session";

const MANY = Array.from({ length: 1200 }, (_, at) => `m_${at}`);

/** What the server takes in turn; `false`: it fails. */
let answers: boolean[];
let asked: { path: string; ids: string[] }[];
let heard: string[];

beforeEach(() => {
  [answers, asked, heard] = [[], [], []];
  vi.useFakeTimers();
  vi.spyOn(memoryList, "heard").mockImplementation((ids) => void heard.push(...ids));
  vi.stubGlobal("fetch", async (path: string, { body }: { body: string }) => {
    const { ids } = JSON.parse(body) as { ids: string[] };
    asked.push({ path, ids });
    if (answers.shift() === false) return Response.json({ detail: "The disk is full." }, { status: 503 });
    return Response.json({ changed: ids, unknown: [] });
  });
});

afterEach(() => {
  for (const { id } of session.notices.items.get()) session.notices.dismiss(id);
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const notice = (tone: NoticeItem["tone"]): NoticeItem | undefined =>
  session.notices.items.get().find((item) => item.tone === tone);
const idsAsked = (action: string): string[] =>
  asked.flatMap(({ path, ids }) => (path.endsWith(action) ? ids : []));

describe("forgetting more than one request takes", () => {
  it("forgets all, tells the list, and brings all of them back", async () => {
    expect(await forgetMany(MANY)).toBe(true);
    expect(asked.map(({ ids }) => ids.length)).toEqual([500, 500, 200]);
    expect(heard).toEqual(MANY);
    expect(notice("info")?.text).toContain("1,200 memories are forgotten");
    notice("info")?.action?.run();
    await vi.waitFor(() => expect(idsAsked("restore")).toEqual(MANY));
  });

  it("says that it failed midway, shows what it forgot and brings that back", async () => {
    answers = [true, false];
    expect(await forgetMany(MANY)).toBe(false);
    expect(notice("error")?.text).toBe("The disk is full.");
    expect(heard).toEqual(MANY.slice(0, 500));
    expect(notice("info")?.text).toContain("500 memories are forgotten");
    notice("info")?.action?.run();
    await vi.waitFor(() => expect(idsAsked("restore")).toEqual(MANY.slice(0, 500)));
  });

  it("says only that it failed where nothing was forgotten", async () => {
    answers = [false];
    expect(await forgetMany(MANY)).toBe(false);
    expect(notice("error")?.text).toBe("The disk is full.");
    expect(notice("info")).toBeUndefined();
    expect(heard).toEqual([]);
  });

  it("tries again to bring back what did not come back", async () => {
    answers = [true, true, true, true, false];
    await forgetMany(MANY);
    notice("info")?.action?.run();
    await vi.waitFor(() => expect(notice("error")?.text).toBe("The disk is full."));
    notice("error")?.action?.run();
    await vi.waitFor(() => expect(idsAsked("restore")).toHaveLength(500 + 500 + 700));
    expect(new Set(idsAsked("restore"))).toEqual(new Set(MANY));
  });
});
