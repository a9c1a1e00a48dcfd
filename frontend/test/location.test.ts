// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { rangeSince } from "@/lib/dashboard-address";
import { addressOf, go, HOME, location, parseView } from "@/lib/location";
import { RoutePreview } from "@/lib/route-preview";

describe("the address", () => {
  it("leads to a model call, and to a part of a dialog", () => {
    const view = { ...HOME, thread: "t", inspect: true, tab: "context", call: "r_1.main" };
    expect(parseView(addressOf(view).slice(1))).toEqual(view);
    const budgets = { ...HOME, dialog: "spend", part: "day" } as const;
    expect(addressOf(budgets)).toBe("/?dialog=spend&part=day");
    expect(parseView("?dialog=spend&part=day")).toEqual(budgets);
  });

  it("leads to a part of health, and to what is open in it", () => {
    const view = { ...HOME, page: "health", part: "errors", item: "8f21" } as const;
    expect(addressOf(view)).toBe("/?part=errors&page=health&item=8f21");
    expect(parseView(addressOf(view).slice(1))).toEqual(view);
  });

  it("keeps the part of health, and what is open in it, under a dialog", () => {
    go({ ...HOME, page: "health", part: "errors", item: "8f21" });
    go({ dialog: "models" });
    expect(location.get()).toMatchObject({ part: null, under: "errors", item: "8f21" });
    go({ part: "endpoints" }, "replace");
    const { search } = window.location;
    expect(parseView(search)).toEqual(location.get());
    go({ dialog: null }, "replace");
    expect(window.location.search).toBe("?part=errors&page=health&item=8f21");
    go({ dialog: "spend" });
    go({ page: "dashboard", dialog: null });
    expect(location.get()).toMatchObject({ part: null, under: null, item: null });
  });

  it("leads from an alert to the chart of its figure", () => {
    go({ ...HOME, page: "health", part: "alerts" });
    go({ page: "dashboard", item: "rss", range: "1h" });
    expect(window.location.search).toBe("?page=dashboard&item=rss&range=1h");
    go({ range: "6h", zoom: null });
    expect(location.get().item).toBe("rss");
    expect(rangeSince(1_000, 1_200)).toBe("1h");
    expect(rangeSince(1_000, 1_100)).toBe("5m");
    expect(rangeSince(0, 9e8)).toBe("7d");
  });

  it("of no dialog has no part, and of an unknown dialog is none", () => {
    expect(addressOf({ ...HOME, part: "day" })).toBe("/");
    expect(parseView("?dialog=nonsense").dialog).toBeNull();
  });
});

describe("what is being typed", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is told to the server with where it will be asked, once the typing pauses", async () => {
    const ask = vi.fn(async () => ({ kind: "chat", scores: {}, id: "1" }) as never);
    const preview = new RoutePreview(ask);
    preview.typed("Why", { threadId: "t" });
    preview.typed("Why does it rain", { threadId: "t", parentRunId: "r", model: "pool/m", kind: "chat" });
    await vi.advanceTimersByTimeAsync(300);
    expect(ask).toHaveBeenCalledOnce();
    expect(ask).toHaveBeenCalledWith("Why does it rain", {
      threadId: "t",
      parentRunId: "r",
      model: "pool/m",
      kind: "chat",
    });
    expect(preview.state.get()).toMatchObject({ kind: "chat" });
  });
});
