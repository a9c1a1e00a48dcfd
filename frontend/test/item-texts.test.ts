import { afterEach, expect, it, vi } from "vitest";
import { itemWords, noteOf } from "@/lib/belief-words";
import { itemTexts, readTexts } from "@/lib/records";

afterEach(() => vi.unstubAllGlobals());

it("says what notes and memories say and how prompts are called, and goes on past those that are gone", async () => {
  const set = '[{"id": "n1", "text": "Give prices in euros."}]';
  const version = { id: "v_1", what: "notes", of: "writer", hash: "77aa" };
  const prompt = { ...version, id: "v_3", what: "prompt", hash: "3f9a", title: "Brief" };
  const replies: Record<string, unknown> = {
    "/api/learning/versions": { versions: [version, { ...version, id: "v_2", hash: "other" }, prompt] },
    "/api/learning/versions/v_1": { ...version, content: set },
    "/api/agents": {
      agents: [
        { name: "poet", version: "77bb" },
        { name: "cook", version: "88cc" },
      ],
    },
    "/api/memories/m_there": { memory: { text: "Nora does not eat fish." } },
  };
  vi.stubGlobal("fetch", async (path: string) =>
    path in replies ? Response.json(replies[path]) : Response.json({ code: "unknown" }, { status: 404 }),
  );
  await readTexts([
    "role:writer",
    "note:writer.77aa.n1",
    "prompt:3f9a",
    "prompt:77bb",
    "prompt:gone",
    "memory:m_gone",
    "memory:m_there",
  ]);
  expect([...itemTexts.get()]).toEqual([
    ["note:writer.77aa.n1", "Give prices in euros."],
    ["prompt:77bb", "The file of poet"],
    ["prompt:3f9a", "Brief, of writer"],
    ["memory:m_there", "Nora does not eat fish."],
  ]);
});

it("names a note of which nothing more is known", () => {
  expect(noteOf("note:writer-brief.77aa.n1.b")).toEqual({ role: "writer-brief", set: "77aa", id: "n1.b" });
  expect(itemWords("note:writer.77aa.n1")).toBe("A note of writer, n1");
  expect(itemWords("note:writer.77aa.n1", "Be short.")).toBe("Be short.");
});
