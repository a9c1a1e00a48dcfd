// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FiringAlert } from "@/lib/protocol";

const alert = (id: string, severity: FiringAlert["severity"]): FiringAlert => ({
  id,
  rule: id,
  severity,
  summary: `It is ${id}`,
  value: 1,
  firedAt: 1,
});

/** The page as it is loaded: everything anew, but what the tab keeps. */
async function loaded() {
  vi.resetModules();
  const { session } = await import("@/lib/session");
  const { watchHealth } = await import("@/lib/health-watch");
  const { go } = await import("@/lib/location");
  stop = watchHealth();
  const texts = (): string[] => session.notices.items.get().map(({ text }) => text);
  return { session, go, texts };
}

let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async () => Response.json({ status: "ok", components: [] }));
  window.history.replaceState(null, "", "/");
  sessionStorage.clear();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("alerts", () => {
  it("are told of once in a tab: a warning when it comes, what is critical until it is put away", async () => {
    let page = await loaded();
    page.session.alerts.set([alert("slow", "warning"), alert("full", "critical"), alert("new", "info")]);
    expect(page.texts()).toEqual(["Warning: It is slow", "Alert: It is full"]);
    stop();
    page = await loaded();
    page.session.alerts.set([alert("slow", "warning"), alert("full", "critical")]);
    expect(page.texts()).toEqual(["Alert: It is full"]);
    page.session.notices.dismiss(page.session.notices.items.get()[0]?.id ?? 0);
    stop();
    page = await loaded();
    page.session.alerts.set([]);
    page.session.alerts.set([alert("slow", "warning"), alert("full", "critical")]);
    expect(page.texts()).toEqual([]);
    page.session.alerts.set([alert("full again", "critical")]);
    expect(page.texts()).toEqual(["Alert: It is full again"]);
  });

  it("need no word on Health, where they stand", async () => {
    const { session, go, texts } = await loaded();
    session.alerts.set([alert("full", "critical")]);
    expect(texts()).toHaveLength(1);
    go({ page: "health" });
    expect(texts()).toEqual([]);
    session.alerts.set([alert("full", "critical"), alert("slow", "warning")]);
    expect(texts()).toEqual([]);
    go({ page: null });
    session.alerts.set([alert("full", "critical"), alert("slow", "warning")]);
    expect(texts()).toEqual([]);
  });
});
