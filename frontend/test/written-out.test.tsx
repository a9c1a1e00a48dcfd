// @vitest-environment jsdom
/** No text that turns what stands around it, or that nobody sees, reaches the page as it is, whoever shows it. */

import { act, Fragment, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { expect, it } from "vitest";
import { Problem } from "@/components/problem";
import { CitedText } from "@/features/conversation/citation";
import { ToolLines } from "@/features/conversation/tool-lines";
import { MarkedText } from "@/features/memory/marked-text";
import type { CallState, RunState, TaskState } from "@/lib/run-state";

const BAD = "inv\u202efdp.exe";
const TAGS = "x\u{e0068}\u{e0069}";

async function drawn(what: ReactNode): Promise<HTMLElement> {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  const page = document.createElement("div");
  await act(async () => createRoot(page).render(what));
  return page;
}

function expectWritten(page: HTMLElement, times: number): void {
  expect(page.innerHTML).not.toMatch(/[\u202a-\u202e\u2066-\u2069\udb40]/);
  expect(page.innerHTML.match(/⟦U\+/g)).toHaveLength(times);
}

it("writes out arguments and results of tools", async () => {
  const call = {
    id: "c",
    taskId: "main",
    name: "read",
    arguments: JSON.stringify({ path: BAD }),
    needsApproval: false,
    startedAt: 0,
    endedAt: 1,
    result: { ok: true, content: BAD, leftOut: 0 },
  };
  const tasks = new Map([["main", { calls: ["c"] } as unknown as TaskState]]);
  const calls = new Map([["c", call as unknown as CallState]]) as RunState["calls"];
  expectWritten(await drawn(<ToolLines tasks={tasks} calls={calls} />), 3);
});

it("writes out what the server says went wrong", async () => {
  const facts = { code: "bad_answer", message: `It said \`${BAD}\` ${TAGS}.`, hint: BAD };
  expectWritten(await drawn(<Problem facts={facts} />), 3);
});

it("writes out what a component gives back without an element around it", async () => {
  expectWritten(await drawn(<CitedText text={BAD} />), 1);
  expectWritten(await drawn(<MarkedText text={`${BAD} ${BAD}`} words={["exe"]} />), 2);
});

it("writes out what is read aloud or shown on hovering, and text in lists and in parts that others made", async () => {
  expectWritten(await drawn(<button type="button" title={BAD} aria-label={BAD} />), 2);
  expectWritten(await drawn([BAD, TAGS].map((text) => <Fragment key={text}>{text}</Fragment>)), 2);
  expectWritten(await drawn(<p>{[BAD, [TAGS, 1, null]]}</p>), 2);
});

it("leaves values of fields and addresses as they are", async () => {
  const page = await drawn(
    <form>
      <input defaultValue={BAD} placeholder={BAD} />
      <textarea defaultValue={BAD} />
      <a href={`/?q=${BAD}`}>x</a>
    </form>,
  );
  expect(page.querySelector("input")?.value).toBe(BAD);
  expect(page.querySelector("input")?.placeholder).toBe("inv⟦U+202E⟧fdp.exe");
  expect(page.querySelector("textarea")?.value).toBe(BAD);
  expect(page.querySelector("a")?.getAttribute("href")).toBe(`/?q=${BAD}`);
});
