// @vitest-environment jsdom
import { act, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BehindPanel } from "@/features/dashboard/behind-panel";
import { ChartTable } from "@/features/dashboard/chart-table";
import { Figures } from "@/features/dashboard/figures";
import { SortTable } from "@/features/dashboard/sort-table";
import { dotsOf, pathOf } from "@/features/dashboard/sparkline";
import { dashboard } from "@/lib/dashboard";
import type { Behind } from "@/lib/dashboard-address";
import { type ChartInfo, SECTIONS } from "@/lib/dashboard-charts";
import { USE_COLUMNS } from "@/lib/dashboard-tables";
import { go, HOME, location } from "@/lib/location";
import type { BehindList, UseOf } from "@/lib/metrics-api";

let root: Root;
let page: HTMLElement;
let asked: string[];
let answers: Record<string, () => unknown>;

const show = (node: ReactNode): Promise<void> => act(async () => root.render(node));
const all = (slot: string): HTMLElement[] => [...page.querySelectorAll<HTMLElement>(`[data-slot=${slot}]`)];
const one = (slot: string): HTMLElement => {
  const [found] = all(slot);
  if (found === undefined) throw new Error(`There is no ${slot} in: ${page.innerHTML}`);
  return found;
};
const click = (element: HTMLElement): Promise<void> => act(async () => element.click());

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  asked = [];
  answers = {};
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    const name = Object.keys(answers).find((each) => path.startsWith(`/api${each}`));
    const body = answers[name ?? ""]?.();
    return body === undefined
      ? Response.json({ code: "database_busy", detail: "The database did not answer." }, { status: 503 })
      : Response.json(body);
  });
  go({ ...HOME, page: "dashboard" });
  page = document.body.appendChild(document.createElement("div"));
  root = createRoot(page);
});

afterEach(async () => {
  await act(async () => root.unmount());
  page.remove();
  vi.unstubAllGlobals();
});

describe("big figures", () => {
  it("say what they are and what changed, and lead to the runs behind them", async () => {
    const values = { response_p95_ms: 900, runs_failed: 3 };
    answers["/metrics/series"] = () => ({ since: 0, until: 2, step: 1, at: [1, 2], series: {} });
    answers["/metrics/dashboard"] = () => ({
      values,
      before: { response_p95_ms: 1_000 },
      metrics: [],
      routes: [],
    });
    await dashboard.load();
    await show(<Figures />);
    const [p95] = all("figure").filter(({ dataset }) => dataset.metric === "response_p95_ms");
    expect(p95?.textContent).toContain("900ms");
    expect(p95?.textContent).toContain("−10 % against the 5 minutes before");
    await click(p95 as HTMLElement);
    expect(location.get()).toMatchObject({ page: "dashboard", behind: "response_p95_ms" });
  });
});

describe("a table", () => {
  it("is sorted by a click on a column, and each number leads to its runs", async () => {
    const rows = [
      { name: "writer", calls: 2, cost: 0.5 },
      { name: "coder", calls: 9, cost: 0.1 },
    ] as unknown as UseOf[];
    const columns = USE_COLUMNS.filter(({ id }) => id === "calls" || id === "cost");
    const opened = vi.fn();
    const nameOf = ({ name }: UseOf): string => name;
    await show(
      <SortTable
        slot="t"
        title="Agents"
        rows={rows}
        columns={columns}
        nameOf={nameOf}
        head={nameOf}
        onOpen={opened}
      />,
    );
    const names = (): (string | undefined)[] =>
      [...page.querySelectorAll("tbody tr")].map((row) => (row as HTMLElement).dataset.name);
    expect(names()).toEqual(["coder", "writer"]);
    await click(all("sort").find(({ dataset }) => dataset.column === "cost") as HTMLElement);
    expect(names()).toEqual(["writer", "coder"]);
    expect(page.querySelector("[aria-sort=descending]")?.textContent).toBe("Cost");
    await click(all("cell")[0] as HTMLElement);
    expect(opened).toHaveBeenCalledWith(rows[0], columns[0]);
  });
});

describe("the runs behind a number", () => {
  const BEHIND: Behind = {
    metric: "call_p95_ms",
    between: { since: 10, until: 20 },
    by: "agent",
    name: "writer",
  };
  const run = {
    runId: "r_1",
    threadId: "t_1",
    title: "A haiku",
    text: "Make it rhyme",
    at: Date.now() / 1_000,
    value: 1_240,
    seq: 7,
    agent: "writer",
    model: "smollm2",
    endpoint: "embedded",
    status: "failed",
    error: "endpoint_unavailable",
  };
  const list = (more: Partial<BehindList> = {}): BehindList => ({
    metric: "call_p95_ms",
    unit: "ms",
    runs: [run],
    others: 0,
    more: false,
    ...more,
  });

  it("are asked for as the number was taken, and say what each adds to it", async () => {
    answers["/metrics/behind"] = () => list({ others: 3 });
    await show(<BehindPanel behind={BEHIND} />);
    const query = new URL(asked[0] ?? "", "http://alma").searchParams;
    expect(Object.fromEntries(query)).toMatchObject({
      metric: "call_p95_ms",
      since: "10",
      until: "20",
      agent: "writer",
      range: "5m",
    });
    expect(one("behind-run").textContent).toContain("Make it rhyme1.24 sA haiku");
    expect(one("behind-run").textContent).toContain("failed: endpoint unavailable");
    expect(one("behind-others").textContent).toBe("and 3 runs of other people");
    expect(one("behind-run").getAttribute("href")).toBe("/?thread=t_1&run=r_1&inspect=1");
  });

  it("lead to the very call of the run", async () => {
    answers["/metrics/behind"] = () => list();
    const entry = { type: "message_finished", at: 1, message_id: "m_3", task_id: "main.2" };
    answers["/runs/r_1/entries"] = () => ({ entries: [{ seq: 7, entry }] });
    await show(<BehindPanel behind={BEHIND} />);
    await click(one("behind-run"));
    expect(location.get()).toEqual({
      ...HOME,
      thread: "t_1",
      run: "r_1",
      inspect: true,
      task: "main.2",
      call: "m_3",
      tab: "context",
    });
  });

  it("lead to the run where the call cannot be told", async () => {
    answers["/metrics/behind"] = () => list();
    await show(<BehindPanel behind={BEHIND} />);
    await click(one("behind-run"));
    expect(location.get()).toEqual({ ...HOME, thread: "t_1", run: "r_1", inspect: true });
  });

  it("can be none, of oneself or at all", async () => {
    answers["/metrics/behind"] = () => list({ runs: [], others: 2 });
    await show(<BehindPanel behind={BEHIND} />);
    expect(one("behind-none").textContent).toContain("None of your runs");
    answers["/metrics/behind"] = () => list({ runs: [] });
    await show(<BehindPanel key="again" behind={BEHIND} />);
    expect(one("behind-none").textContent).toContain("No run is behind this number");
  });

  it("are asked for again after a failure, and more of them on request", async () => {
    await show(<BehindPanel behind={BEHIND} />);
    expect(one("problem").textContent).toContain("The database did not answer.");
    answers["/metrics/behind"] = () => list({ more: true });
    await click(one("problem").querySelector("button") as HTMLElement);
    expect(all("problem")).toEqual([]);
    await click(one("more-behind"));
    expect(asked.at(-1)).toContain("limit=200");
  });
});

it("a sparkline is broken where nothing was measured, and what stands alone is a dot", () => {
  expect(pathOf([1, 2, null, 4], 4)).toBe("M0.0 15.0L33.3 10.0");
  expect(dotsOf([1, 2, null, 4], 4)).toBe("M100.0 0.0h0.01");
  expect(pathOf([0, 0], 0)).toBe("M0.0 20.0L100.0 20.0");
  expect(pathOf([], 0)).toBe("");
});

it("a chart as a table begins with the newest, and has no row without a value", async () => {
  const reply = { since: 0, until: 4, step: 1, at: [1, 2, 3, 4] };
  const series = { response_p50_ms: [null, 200, null, 400], response_p95_ms: [null, 300, null, null] };
  answers["/metrics/series"] = () => ({ ...reply, series });
  answers["/metrics/dashboard"] = () => ({ values: {}, before: {}, metrics: [], routes: [] });
  dashboard.show({ range: "5m", zoom: { since: 0, until: 4 } });
  await dashboard.load();
  const info = SECTIONS[0]?.charts.find(({ id }) => id === "response") as ChartInfo;
  await show(<ChartTable info={info} />);
  const rows = [...page.querySelectorAll("tbody tr")].map((row) => row.textContent?.slice(8));
  expect(rows).toEqual(["400 ms––", "200 ms300 ms–"]);
  answers["/metrics/series"] = () => ({ ...reply, series: {} });
  await act(async () => dashboard.load());
  expect(page.querySelector("tbody")?.textContent).toBe("Nothing measured");
});
