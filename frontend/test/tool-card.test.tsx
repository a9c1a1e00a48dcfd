// @vitest-environment jsdom
/** A tool call that waits for leave says why it asks. */

import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, it } from "vitest";
import { ToolCard } from "@/features/conversation/tool-card";
import type { CallState } from "@/lib/task-state";

const call: CallState = {
  id: "c",
  taskId: "1",
  name: "send",
  arguments: '{"to":"mallory\u202e"}',
  step: "answer",
  attempt: 0,
  needsApproval: true,
  because: ["a web page", "a file of the knowledge base"],
  decided: null,
  startedAt: 0,
  result: null,
  endedAt: null,
};

async function shownOf(change: Partial<CallState>, open = true): Promise<HTMLElement> {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  const page = document.createElement("div");
  await act(async () =>
    createRoot(page).render(
      <ToolCard runId="r" call={{ ...call, ...change }} task={undefined} open={open} />,
    ),
  );
  return page;
}

it("names what from outside is in its context, and shows what it would do", async () => {
  const page = await shownOf({});
  expect(page.querySelector("[data-slot=because]")?.textContent).toContain(
    "a web page, a file of the knowledge base",
  );
  expect(page.querySelector("pre")?.textContent).toContain("mallory⟦U+202E⟧");
});

it("says nothing of it where there is nothing, or it is decided", async () => {
  expect((await shownOf({ because: [] })).querySelector("[data-slot=because]")).toBeNull();
  expect((await shownOf({ decided: true }, false)).querySelector("[data-slot=because]")).toBeNull();
});
