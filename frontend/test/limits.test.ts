// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { outside } from "@/lib/entry";
import { againWords, waitMs } from "@/lib/limits";
import { Session } from "@/lib/session";

class FakeSocket {
  readyState = 1;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  send(frame: string): void {
    this.sent.push(JSON.parse(frame));
  }
  close(): void {
    this.readyState = 3;
  }
  custom(name: string, value: object): void {
    this.onmessage?.({ data: JSON.stringify({ type: "CUSTOM", name, value }) });
  }
  welcome(): void {
    const limits = { heartbeatSeconds: 1000, maxFrameBytes: 1, maxPromptChars: 1 };
    this.custom("alma.welcome", { protocol: 1, version: "1", bootId: "b", ...limits });
  }
  starts(): Record<string, unknown>[] {
    return this.sent.filter(({ type }) => type === "run.start");
  }
  refuse(retryAfterS: number): void {
    const limit = { policy: "messages", quota: 1, windowS: 60, retryAfterS };
    this.custom("alma.error", {
      id: this.starts().at(-1)?.id,
      code: "too_many_messages",
      message: "No.",
      limit,
    });
  }
}

function open() {
  const sockets: FakeSocket[] = [];
  const session = new Session(() => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket as unknown as WebSocket;
  });
  const stop = session.start();
  const last = (): FakeSocket => sockets.at(-1) as FakeSocket;
  last().welcome();
  const ask = (text: string): void =>
    session.startRun({ text, kind: null, model: null, threadId: null, after: null });
  return { session, stop, last, sockets, ask };
}

describe("a message that meets a limit", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    sessionStorage.clear();
    outside.set(null);
    vi.stubGlobal("fetch", async () => new Response(JSON.stringify({ known: true, threads: [] })));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("goes out again by itself, under the same key, and says when", async () => {
    const { session, stop, last, ask } = open();
    ask("Hello");
    last().refuse(3);
    await vi.advanceTimersByTimeAsync(0);
    expect(session.outbox.turns.get()).toMatchObject([
      { text: "Hello", refused: { code: "too_many_messages" }, retryAt: Date.now() + 3_000 },
    ]);
    await vi.advanceTimersByTimeAsync(2_900);
    expect(last().starts()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    const [first, second, ...more] = last().starts();
    expect(more).toEqual([]);
    expect(second?.key).toBe(first?.key);
    expect(session.outbox.turns.get()).toMatchObject([{ refused: null }]);
    stop();
  });

  it("sent at once is not sent again when its time comes", async () => {
    const { session, stop, last, ask } = open();
    ask("Hello");
    last().refuse(3);
    await vi.advanceTimersByTimeAsync(0);
    const [turn] = session.outbox.turns.get();
    if (turn) session.sendNow(turn);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(last().starts()).toHaveLength(2);
    stop();
  });

  it("that is taken back stays so", async () => {
    const { session, stop, last, ask } = open();
    ask("Hello");
    last().refuse(3);
    await vi.advanceTimersByTimeAsync(0);
    session.outbox.remove(String(last().starts()[0]?.key));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(last().starts()).toHaveLength(1);
    stop();
  });

  it("is kept over a reload", async () => {
    const before = open();
    before.ask("Hello");
    before.last().refuse(5);
    await vi.advanceTimersByTimeAsync(0);
    const key = before.last().starts()[0]?.key;
    before.stop();
    const { stop, last } = open();
    expect(last().starts()).toEqual([]);
    await vi.advanceTimersByTimeAsync(5_100);
    expect(
      last()
        .starts()
        .map((frame) => frame.key),
    ).toEqual([key]);
    stop();
  });

  it("waits at least a second, and says it in words", () => {
    const limit = { policy: "", quota: 1, windowS: 1, retryAfterS: 0.2 };
    expect(waitMs({ code: "x", message: "", limit })).toBe(1_000);
    expect(waitMs({ code: "x", message: "" })).toBe(0);
    expect(againWords(2_400)).toBe("Sent too fast for this server: again in 3 s");
    expect(againWords(3_540_000)).toBe("Sent too fast for this server: again in 59 min");
    expect(againWords(-500)).toBe("Sent too fast for this server: again in 1 s");
  });

  it("that a server refuses because it goes away is given to the one that comes back", async () => {
    const { session, stop, last, sockets, ask } = open();
    ask("Hello");
    const key = last().starts()[0]?.key;
    last().custom("alma.error", { id: last().starts()[0]?.id, code: "server_stopping", message: "No." });
    await vi.advanceTimersByTimeAsync(0);
    expect(session.connection.state.get().stopping).toBe(true);
    expect(session.outbox.turns.get()).toMatchObject([{ text: "Hello", refused: null }]);
    last().onclose?.({ code: 1012 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sockets).toHaveLength(2);
    last().welcome();
    expect(
      last()
        .starts()
        .map((frame) => frame.key),
    ).toEqual([key]);
    stop();
  });

  it("is asked nothing more of a server that does not let us in, until it does", async () => {
    const { session, stop, last, sockets, ask } = open();
    ask("Hello");
    last().custom("alma.error", { code: "token_revoked", message: "It was revoked." });
    expect(outside.get()?.code).toBe("token_revoked");
    expect(session.connection.state.get().phase).toBe("closed");
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
    outside.set(null);
    expect(sockets).toHaveLength(2);
    last().welcome();
    expect(last().starts()).toMatchObject([{ text: "Hello", key: sockets[0]?.starts()[0]?.key }]);
    stop();
  });

  it("finds out by itself that it is asked for a token", async () => {
    const { stop, last } = open();
    vi.stubGlobal("fetch", async () => new Response(JSON.stringify({ known: false })));
    last().onclose?.({ code: 1006 });
    await vi.advanceTimersByTimeAsync(0);
    expect(outside.get()?.code).toBe("token_missing");
    stop();
  });
});
