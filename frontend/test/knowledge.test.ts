import { afterEach, describe, expect, it, vi } from "vitest";
import { cutText, windowAround } from "@/lib/document-text";
import { bytes } from "@/lib/format";
import { documentError, type KnowledgeDocument, type KnowledgeReply } from "@/lib/knowledge-api";
import { inOrder, KnowledgeList, withDocument, withProgress } from "@/lib/knowledge-list";
import {
  documentWords,
  endingOf,
  formatWords,
  looksBinary,
  pieceWords,
  readShare,
  refusalOf,
} from "@/lib/knowledge-words";

const document = (id: string, more: Partial<KnowledgeDocument> = {}): KnowledgeDocument => ({
  id,
  name: `${id}.pdf`,
  origin: "page",
  format: "pdf",
  bytes: 1000,
  state: "ready",
  chunks: 3,
  done: 3,
  error: null,
  createdAt: 1,
  updatedAt: 1,
  ...more,
});

describe("files while they are read", () => {
  const files = [document("a"), document("b", { state: "waiting", chunks: 0, done: 0 })];

  it("follow what the server says of them", () => {
    const reading = withProgress(files, { id: "b", name: "b.pdf", state: "reading", chunks: 120, done: 40 });
    expect(reading?.map(documentWords)).toEqual(["3 pieces", "reading 40 of 120"]);
    expect(reading?.map(readShare)).toEqual([null, 40 / 120]);
  });

  it("leave when they are deleted, and are asked for where they are not known", () => {
    expect(withProgress(files, { id: "a", name: "a.pdf", state: "ready", deleted: true })).toHaveLength(1);
    expect(withProgress(files, { id: "c", name: "c.pdf", state: "waiting" })).toBeNull();
  });

  it("say what is wrong with them", () => {
    const error = {
      code: "encrypted_file",
      message: "b.pdf is encrypted.",
      hint: "Save it without a password.",
    };
    const [, failed] = withProgress(files, { id: "b", name: "b.pdf", state: "failed", error }) ?? [];
    expect(failed && documentError(failed)).toMatchObject(error);
    const [, fine] =
      withProgress([document("a"), failed ?? document("b")], { id: "b", name: "b.pdf", state: "reading" }) ??
      [];
    expect(fine && documentError(fine)).toBeNull();
  });

  it("take the place of what was known of them", () => {
    expect(
      withDocument(files, document("b", { state: "reading" })).map(({ id, state }) => [id, state]),
    ).toEqual([
      ["b", "reading"],
      ["a", "ready"],
    ]);
  });

  it("stand newest first, what went wrong before all", () => {
    const mixed = [
      document("a", { updatedAt: 3 }),
      document("b", { updatedAt: 9 }),
      document("c", { state: "failed" }),
    ];
    expect(inOrder(mixed).map(({ id }) => id)).toEqual(["c", "b", "a"]);
  });
});

describe("files that are given", () => {
  const takes = { formats: ["pdf", "md", ".csv", "txt"], maxBytes: 64 * 1_048_576 };

  it("have a size in one unit system", () => {
    const words = ["0 bytes", "1 byte", "144 bytes", "1 KiB", "64 MiB", "1.4 GiB", "62 GiB"];
    expect([0, 1, 144, 1500, 67_108_864, 1.4 * 2 ** 30, 62.4 * 2 ** 30].map(bytes)).toEqual(words);
  });

  it("are refused before they are sent where they cannot be taken", () => {
    expect(refusalOf("film.mp4", 90 * 1_048_576, takes, true)?.message).toBe(
      "film.mp4 is too large: it has 90 MiB, and a file may have 64 MiB.",
    );
    expect(refusalOf("nothing.txt", 0, takes, false)?.code).toBe("empty_file");
    expect(refusalOf("photo.jpg", 1000, takes, true)?.hint).toBe("It reads md, txt, pdf and csv.");
  });

  it("are sent where they may be read: by their ending, or as text of any kind", () => {
    expect(refusalOf("scan.PDF", 1000, takes, true)).toBeNull();
    expect(refusalOf("Makefile", 1000, takes, false)).toBeNull();
    expect(refusalOf("big.txt", 1e12, { ...takes, maxBytes: 0 }, false)).toBeNull();
  });

  it("are told apart by how they begin", () => {
    expect(looksBinary(new Uint8Array([80, 0, 3]))).toBe(true);
    expect(looksBinary(new Uint8Array([0xff, 0xfe, 65, 0]))).toBe(false);
    expect(looksBinary(new TextEncoder().encode("text"))).toBe(false);
  });

  it("have endings", () => {
    expect(["notes/todo.MD", "a.tar.gz", "Makefile", ".env", "x."].map(endingOf)).toEqual([
      "md",
      "gz",
      "",
      "",
      "",
    ]);
    expect(formatWords(["py", "md", "pdf", "js", "go", "rs", "c"])).toBe(
      "md, pdf and 5 more kinds of text, data and code",
    );
  });
});

describe("the text of a file", () => {
  it("is cut where its pieces begin and end, in code points", () => {
    const spans = cutText("🌈 one two three", [
      { id: "a", start: 2, end: 9 },
      { id: "b", start: 6, end: 15 },
    ]);
    expect(spans).toEqual([
      { text: "🌈 ", pieces: [], begins: [] },
      { text: "one ", pieces: ["a"], begins: ["a"] },
      { text: "two", pieces: ["a", "b"], begins: ["b"] },
      { text: " three", pieces: ["b"], begins: [] },
    ]);
  });

  it("is whole whatever the pieces say", () => {
    const text = "a text that was read";
    for (const pieces of [[], [{ id: "a", start: 4, end: 400 }], [{ id: "a", start: 7, end: 7 }]])
      expect(
        cutText(text, pieces)
          .map((span) => span.text)
          .join(""),
      ).toBe(text);
  });

  it("is shown around a place where it is long", () => {
    expect(windowAround(10, 3)).toEqual({ from: 0, to: 10 });
    expect(windowAround(1000, 500, 100)).toEqual({ from: 450, to: 550 });
    expect(windowAround(1000, 995, 100)).toEqual({ from: 900, to: 1000 });
  });

  it("has pieces with a place and uses", () => {
    expect(pieceWords({ place: "page 3", uses: 0 })).toBe("page 3 · not used yet");
    expect(pieceWords({ place: "", uses: 2 })).toBe("used 2 times");
  });
});

/** Answers what the list asks for; uploads wait until they are let through. */
class FakeUpload {
  static all: FakeUpload[] = [];
  upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
  status = 0;
  responseText = "";
  address = "";
  onload?: () => void;
  onabort?: () => void;
  open(_: string, address: string): void {
    this.address = address;
    FakeUpload.all.push(this);
  }
  setRequestHeader(): void {}
  send(): void {}
  abort(): void {
    this.onabort?.();
  }
  finish(status: number, body: object): void {
    Object.assign(this, { status, responseText: JSON.stringify(body) });
    this.onload?.();
  }
}

describe("uploads", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    FakeUpload.all = [];
  });

  async function started(...names: string[]): Promise<KnowledgeList> {
    const reply: KnowledgeReply = { documents: [], folder: null, formats: ["txt"], maxBytes: 100 };
    vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(reply))));
    vi.stubGlobal("XMLHttpRequest", FakeUpload);
    const list = new KnowledgeList();
    await list.put(names.map((name) => ({ name, file: new File(["some text"], name) })));
    return list;
  }

  it("go out three at a time, under the names that they are to have", async () => {
    const list = await started("a b/ä.txt", "2.txt", "3.txt", "4.txt");
    expect(FakeUpload.all.map(({ address }) => address)).toEqual([
      "/api/knowledge/files/a%20b/%C3%A4.txt",
      "/api/knowledge/files/2.txt",
      "/api/knowledge/files/3.txt",
    ]);
    FakeUpload.all[1]?.finish(202, document("d2", { name: "2.txt", state: "waiting" }));
    await vi.waitFor(() => expect(FakeUpload.all).toHaveLength(4));
    const { documents, uploads } = list.state.get();
    expect(documents?.map(({ id }) => id)).toEqual(["d2"]);
    expect(uploads.map(({ name }) => name)).toEqual(["a b/ä.txt", "3.txt", "4.txt"]);
  });

  it("tell how far they are", async () => {
    const list = await started("1.txt");
    FakeUpload.all[0]?.upload.onprogress?.({ loaded: 3, total: 9 });
    expect(list.state.get().uploads[0]).toMatchObject({ state: "sending", sent: 3 / 9 });
  });

  it("stay with the server's words where it refuses them, and can be tried again", async () => {
    const list = await started("1.txt");
    FakeUpload.all[0]?.finish(507, { code: "storage_full", detail: "The disk is full." });
    await vi.waitFor(() => expect(list.state.get().uploads[0]?.error?.message).toBe("The disk is full."));
    list.drop(list.state.get().uploads[0]?.key ?? 0);
    list.putAgain("1.txt");
    await vi.waitFor(() => expect(FakeUpload.all).toHaveLength(2));
    expect(list.state.get().uploads).toHaveLength(1);
  });

  it("end when they are stopped", async () => {
    const list = await started("1.txt");
    list.drop(list.state.get().uploads[0]?.key ?? 0);
    await vi.waitFor(() => expect(list.state.get().uploads).toEqual([]));
  });

  it("do not begin for a file that is too large", async () => {
    vi.stubGlobal("XMLHttpRequest", FakeUpload);
    const list = await started();
    await list.put([{ name: "big.txt", file: new File(["x".repeat(101)], "big.txt") }]);
    expect(FakeUpload.all).toEqual([]);
    expect(list.state.get().uploads[0]).toMatchObject({ state: "refused", error: { code: "too_large" } });
  });
});
