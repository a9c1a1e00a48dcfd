// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, it, vi } from "vitest";
import { AnswerSaid } from "@/features/conversation/answer-feedback";
import { feedback } from "@/lib/feedback";
import type { RunState } from "@/lib/run-state";

it("shows the reason that was given for a thumb", async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.stubGlobal("fetch", async () => new Response("{}", { status: 201 }));
  const page = document.createElement("div");
  const root = createRoot(page);
  const run = { id: "r_said", signals: [], seq: 3, message: null } as unknown as RunState;
  await act(async () => root.render(<AnswerSaid run={run} />));
  const said = () => page.querySelector("[data-slot=said-reason]")?.textContent ?? null;
  expect(said()).toBeNull();
  await act(() => feedback.give("r_said", "main", { signal: "thumb", value: -1, reason: "Too short" }, 3));
  expect(said()).toBe("You said: Too short");
  await act(() => feedback.give("r_said", "main", { signal: "thumb", value: 0 }, 3));
  expect(said()).toBeNull();
  await act(async () => root.unmount());
});
