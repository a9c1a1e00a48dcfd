// @vitest-environment jsdom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MemoryRows } from "@/features/memory/memory-rows";
import type { FoundMemory } from "@/lib/memory-api";
import { memoryChoice, setChoosing, toggleChosen } from "@/lib/memory-choice";
import { memoryList } from "@/lib/memory-list";
import { ALL_MEMORIES } from "@/lib/memory-query";

const SCORES = { m_best: 0.9, m_good: 0.6, m_weak: 0.1 };

function found([id, score]: [string, number]): FoundMemory {
  const source = { threadId: "", documentId: "", file: "", place: "" };
  const memory = { id, text: id, agent: "user", speaker: "", kind: "semantic", source, createdAt: 0 };
  return { memory, score, reasons: null } as unknown as FoundMemory;
}

let root: Root;
let forgotten: string[];
const page = document.createElement("div");

const button = (words: string): HTMLButtonElement => {
  const named = [...page.querySelectorAll("button")].find(({ textContent }) => textContent?.includes(words));
  if (named === undefined) throw new Error(`There is no button “${words}” in: ${page.textContent}`);
  return named;
};
const click = (words: string): Promise<void> => act(async () => button(words).click());

beforeEach(async () => {
  forgotten = [];
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  Element.prototype.scrollTo = () => {};
  vi.stubGlobal("fetch", async (_path: string, { body }: { body?: string }) => {
    if (body === undefined) return Response.json({ memories: Object.entries(SCORES).map(found), total: 3 });
    forgotten = (JSON.parse(body) as { ids: string[] }).ids;
    return Response.json({ changed: forgotten, unknown: [] });
  });
  memoryList.show({ ...ALL_MEMORIES, text: `boats ${Math.random()}` });
  await vi.waitFor(() => expect(memoryList.state.get().loaded).toBe(true));
  root = createRoot(page);
  await act(async () => root.render(<MemoryRows />));
  await act(async () => setChoosing(true));
});

afterEach(async () => {
  await act(async () => root.unmount());
  vi.unstubAllGlobals();
});

it("chooses and forgets what a search shows, and not what fits less and is not shown", async () => {
  await click("Choose all shown");
  expect([...(memoryChoice.get() ?? [])]).toEqual(["m_best", "m_good"]);
  await click("Forget 2");
  expect(forgotten).toEqual(["m_best", "m_good"]);
});

it("chooses what fits less once it is shown", async () => {
  await click("1 more that fits less");
  await click("Choose all shown");
  expect([...(memoryChoice.get() ?? [])]).toEqual(["m_best", "m_good", "m_weak"]);
});

it("forgets nothing that was chosen and is not in the list any more", async () => {
  await act(async () => toggleChosen("m_gone"));
  await act(async () => toggleChosen("m_good"));
  expect(page.textContent).toContain("1 chosen");
  await click("Forget 1");
  expect(forgotten).toEqual(["m_good"]);
});
