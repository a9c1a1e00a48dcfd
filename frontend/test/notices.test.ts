import { expect, it } from "vitest";
import { Notices } from "@/lib/notices";

it("says the same thing once", () => {
  const notices = new Notices();
  notices.show("Copied.");
  notices.show("Copied.");
  expect(notices.items.get()).toHaveLength(1);
});

it("keeps each of two that can be undone", () => {
  const notices = new Notices();
  const undone: string[] = [];
  for (const what of ["first", "second"]) {
    notices.show("2 memories forgotten", { action: { label: "Undo", run: () => undone.push(what) } });
  }
  for (const item of notices.items.get()) item.action?.run();
  expect(undone).toEqual(["first", "second"]);
});
