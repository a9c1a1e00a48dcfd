// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, it, vi } from "vitest";
import { LearningView } from "@/features/learning/learning-view";
import { go } from "@/lib/location";

it("brings the tab of the part that is open into sight", async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.stubGlobal("fetch", () => new Promise(() => {}));
  const seen: string[] = [];
  Element.prototype.scrollIntoView = function (this: Element) {
    seen.push(this.textContent ?? "");
    return Promise.resolve() as unknown as undefined; // as newer browsers do
  };
  const root = createRoot(document.createElement("div"));
  go({ page: "learning", part: "lab" });
  await act(async () => root.render(<LearningView />));
  await act(async () => go({ part: "shares" }));
  expect(seen).toEqual(["Lab", "Shares"]);
  await act(async () => root.unmount());
});
