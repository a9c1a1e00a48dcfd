// @vitest-environment jsdom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MemoryActions } from "@/features/memory/memory-actions";
import { MemoryText } from "@/features/memory/memory-text";
import type { MemoryEntry } from "@/lib/memory-api";

const page = document.createElement("div");
let root: Root;

function entry(change: object, documentId = ""): MemoryEntry {
  const source = { threadId: "", documentId, file: documentId && "boat.md", place: "" };
  const life = { forgottenAt: null, archivedAt: null, validTo: null, supersededBy: "" };
  return {
    id: "m_1",
    text: "The engine is a diesel.",
    version: 1,
    pinned: false,
    source,
    ...life,
    ...change,
  } as MemoryEntry;
}
const slots = (): string[] =>
  [...page.querySelectorAll<HTMLElement>("[data-slot]")].map(({ dataset }) => dataset.slot ?? "");
const show = (memory: MemoryEntry): Promise<void> =>
  act(async () =>
    root.render(
      <>
        <MemoryActions memory={memory} onChanged={() => {}} />
        <MemoryText memory={memory} onChanged={() => {}} />
      </>,
    ),
  );

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  root = createRoot(page);
});

afterEach(async () => {
  await act(async () => root.unmount());
  vi.unstubAllGlobals();
});

it("offers another text for what was said, and none for a piece of a file", async () => {
  await show(entry({}));
  expect(slots()).toContain("memory-edit");
  await show(entry({}, "d_1"));
  expect(slots()).not.toContain("memory-edit");
  expect(slots()).toEqual(expect.arrayContaining(["memory-pin", "memory-forget", "memory-of-file"]));
});

it("offers to restore what was replaced, beside what else can be done", async () => {
  await show(entry({}));
  expect(slots()).not.toContain("memory-restore");
  await show(entry({ validTo: 5, supersededBy: "m_2" }));
  expect(slots()).toEqual(expect.arrayContaining(["memory-restore", "memory-pin", "memory-forget"]));
});
