import { afterEach, describe, expect, it, vi } from "vitest";
import { Notices } from "@/lib/notices";
import type { ThreadSummary } from "@/lib/protocol";
import { ThreadListStore } from "@/lib/thread-list";

const thread = (id: string, title: string): ThreadSummary => ({
  id,
  title,
  createdAt: 1,
  updatedAt: 1,
  runs: 1,
  working: false,
});

/** A server that has these threads and lists only the first. */
function serve(...threads: ThreadSummary[]) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (address: string) => {
    asked.push(address);
    const { pathname, searchParams } = new URL(address, "http://server");
    if (pathname === "/api/threads") {
      const search = searchParams.get("search") ?? "";
      return Response.json({
        threads: threads.slice(0, 1).filter((t) => t.title.includes(search)),
        more: true,
      });
    }
    const found = threads.find(({ id }) => pathname === `/api/threads/${id}`);
    return found ? Response.json(found) : new Response("{}", { status: 404 });
  });
  return asked;
}

describe("titles", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("stay known when the list is narrowed to others", async () => {
    vi.useFakeTimers();
    serve(thread("a", "Soup"));
    const list = new ThreadListStore(new Notices());
    await list.load();
    list.search("Rain");
    await vi.runAllTimersAsync();
    expect(list.state.get().threads).toEqual([]);
    expect(list.titles.get().get("a")).toBe("Soup");
    list.changed(thread("a", "Stew"));
    expect(list.titles.get().get("a")).toBe("Stew");
    list.changed(thread("a", "Stew\u202etxt"));
    expect(list.titles.get().get("a")).toBe("Stew⟦U+202E⟧txt");
    list.changed({ ...thread("a", "Stew"), deleted: true });
    expect(list.titles.get().has("a")).toBe(false);
  });

  it("are asked for only where the list does not show them", async () => {
    const asked = serve(thread("a", "Soup"), thread("old", "Far below"));
    const list = new ThreadListStore(new Notices());
    await list.load();
    await list.learnTitle("a");
    await list.learnTitle("old");
    await list.learnTitle("gone");
    expect(asked.slice(1)).toEqual(["/api/threads/old", "/api/threads/gone"]);
    expect([...list.titles.get()]).toEqual([
      ["a", "Soup"],
      ["old", "Far below"],
    ]);
  });
});
