import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { holdAgain } from "@/lib/replaced-memory";

const GONE = { id: "m_old", validFrom: 20, validTo: null };
let asked: string[];
let replaced: object[];

beforeEach(() => {
  asked = [];
  replaced = [];
  vi.stubGlobal("fetch", async (path: string, { method }: { method: string }) => {
    asked.push(`${method} ${path}`);
    return Response.json(method === "GET" ? { memory: GONE, superseded: replaced } : GONE);
  });
});

afterEach(() => vi.unstubAllGlobals());

it("lets a replaced memory hold again, and what held until then by undoing that", async () => {
  replaced = [
    { id: "m_new", validTo: 20 },
    { id: "m_first", validTo: 5 },
  ];
  const { words, undo } = await holdAgain("m_old");
  expect(words).toBe("It holds again, in place of what replaced it.");
  expect(asked).toEqual(["POST /api/memories/m_old/restore", "GET /api/memories/m_old"]);
  await undo();
  expect(asked.at(-1)).toBe("POST /api/memories/m_new/restore");
});

it("forgets it by undoing that where nothing held any more", async () => {
  replaced = [{ id: "m_first", validTo: 5 }];
  const { words, undo } = await holdAgain("m_old");
  expect(words).toBe("It holds again.");
  await undo();
  expect(asked.at(-1)).toBe("DELETE /api/memories/m_old");
});
