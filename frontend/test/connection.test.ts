import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoffMs, CommandRefused, Connection } from "@/lib/connection";
import type { Cursors, ServerEvent } from "@/lib/protocol";

class FakeSocket {
  readyState = 1;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  constructor(readonly url: string) {}
  send(frame: string): void {
    this.sent.push(JSON.parse(frame));
  }
  close(): void {
    this.readyState = 3;
  }
  receive(event: object): void {
    this.onmessage?.({ data: JSON.stringify(event) });
  }
  custom(name: string, value: object): void {
    this.receive({ type: "CUSTOM", name, value });
  }
  welcome(bootId = "boot-1", protocol = 1): void {
    this.custom("alma.welcome", {
      protocol,
      version: "1",
      bootId,
      heartbeatSeconds: 10,
      maxFrameBytes: 1,
      maxPromptChars: 1,
    });
  }
  /** The network breaks, or the server closes. */
  cut(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
  ofType(type: string): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame.type === type);
  }
}

const START = { type: "run.start", key: "key-1", text: "Ask" } as const;

function setUp(cursors: () => Cursors = () => ({})) {
  const sockets: FakeSocket[] = [];
  const events: ServerEvent[] = [];
  const refused: [string, string][] = [];
  const connection = new Connection({
    url: "ws://server/ws",
    open: (url) => {
      const socket = new FakeSocket(url);
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    random: () => 1,
    onEvent: (event) => events.push(event),
    cursors,
    onSubscriptionRefused: (threadId, { code }) => refused.push([threadId, code]),
  });
  const last = (): FakeSocket => {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  };
  return { connection, sockets, events, refused, last };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the connection", () => {
  it("states its protocol and is online after the welcome", () => {
    const { connection, last } = setUp();
    connection.connect();
    expect(last().url).toBe("ws://server/ws?protocol=1");
    expect(connection.state.get().phase).toBe("connecting");
    last().welcome();
    expect(connection.state.get()).toMatchObject({ phase: "online", restarted: false });
  });

  it("tries again, later each time, and forgets that once it is welcome", () => {
    const { connection, sockets, last } = setUp();
    connection.connect();
    const waits: number[] = [];
    for (let round = 0; round < 3; round++) {
      last().cut();
      waits.push(connection.state.get().retryAt - Date.now());
      vi.advanceTimersByTime(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([400, 800, 1600]);
    expect(sockets).toHaveLength(4);
    last().welcome();
    last().cut();
    expect(connection.state.get()).toMatchObject({ phase: "waiting", failures: 1 });
  });

  it("waits between half of the ceiling and all of it, and never more than 15 s", () => {
    expect([backoffMs(1, 0), backoffMs(1, 1), backoffMs(50, 1)]).toEqual([200, 400, 15_000]);
  });

  it("knows that a server that said so goes away, until it is back", () => {
    const { connection, last } = setUp();
    connection.connect();
    last().welcome();
    last().cut(1012);
    expect(connection.state.get()).toMatchObject({ phase: "waiting", stopping: true });
    vi.advanceTimersByTime(400);
    expect(connection.state.get().stopping).toBe(true);
    last().welcome("boot-2");
    expect(connection.state.get()).toMatchObject({ phase: "online", stopping: false, restarted: true });
    last().cut();
    expect(connection.state.get().stopping).toBe(false);
  });

  it("can be told to try at once", () => {
    const { connection, sockets, last } = setUp();
    connection.connect();
    last().cut();
    connection.connect();
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(60_000 - 1);
    expect(connection.state.get().phase).not.toBe("online");
  });

  it("gives up on a server of another protocol", () => {
    const { connection, sockets, last } = setUp();
    connection.connect();
    last().custom("alma.error", { code: "protocol_mismatch", message: "No." });
    expect(connection.state.get().phase).toBe("mismatch");
    vi.advanceTimersByTime(120_000);
    connection.connect();
    expect(sockets).toHaveLength(1);
  });

  it("notices a server that has fallen silent, and one that has not", () => {
    const { connection, sockets, last } = setUp();
    connection.connect();
    last().welcome();
    for (let beat = 0; beat < 6; beat++) {
      vi.advanceTimersByTime(10_000);
      last().custom("alma.heartbeat", {});
    }
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(24_999);
    expect(connection.state.get().phase).toBe("online");
    vi.advanceTimersByTime(1);
    expect(connection.state.get().phase).toBe("waiting");
  });

  it("notices a welcome that never comes", () => {
    const { connection } = setUp();
    connection.connect();
    vi.advanceTimersByTime(8_000);
    expect(connection.state.get().phase).toBe("waiting");
  });

  it("notices another process behind the address", () => {
    const { connection, last } = setUp();
    connection.connect();
    last().welcome("boot-1");
    last().cut();
    vi.advanceTimersByTime(400);
    last().welcome("boot-2");
    expect(connection.state.get().restarted).toBe(true);
  });

  it("hears nothing from a socket that it has left", () => {
    const { connection, sockets, events, last } = setUp();
    connection.connect();
    last().welcome();
    last().cut();
    vi.advanceTimersByTime(400);
    sockets[0]?.receive({ type: "RUN_STARTED", threadId: "t", runId: "r", seq: 1, text: "x" });
    expect(events).toEqual([]);
  });
});

describe("commands", () => {
  it("wait for the connection and are answered by their id", async () => {
    const { connection, last } = setUp();
    const answer = connection.send(START);
    connection.connect();
    expect(last().sent).toEqual([]);
    last().welcome();
    const [frame] = last().ofType("run.start");
    last().custom("alma.ack", { id: frame?.id, threadId: "t", runId: "r" });
    await expect(answer).resolves.toMatchObject({ threadId: "t", runId: "r" });
  });

  it("that were not answered are sent again with the same key, once per connection", async () => {
    const { connection, sockets, last } = setUp();
    connection.connect();
    last().welcome();
    const answer = connection.send(START);
    last().cut();
    vi.advanceTimersByTime(400);
    last().welcome();
    expect(sockets.map((socket) => socket.ofType("run.start").map(({ key }) => key))).toEqual([
      ["key-1"],
      ["key-1"],
    ]);
    last().custom("alma.ack", { id: last().ofType("run.start")[0]?.id, threadId: "t", duplicate: true });
    await expect(answer).resolves.toMatchObject({ duplicate: true });
    last().cut();
    vi.advanceTimersByTime(400);
    last().welcome();
    expect(last().ofType("run.start")).toEqual([]);
  });

  it("that are refused reject with the server's words", async () => {
    const { connection, last } = setUp();
    connection.connect();
    last().welcome();
    const answer = connection.send(START);
    last().custom("alma.error", { id: last().sent[0]?.id, code: "storage_full", message: "No space." });
    await expect(answer).rejects.toBeInstanceOf(CommandRefused);
    await expect(answer).rejects.toMatchObject({ facts: { code: "storage_full" } });
  });

  it("a preview is not worth sending twice", async () => {
    const { connection, last } = setUp();
    connection.connect();
    last().welcome();
    const answer = connection.send({ type: "route.preview", text: "a poem" });
    const settled = expect(answer).rejects.toMatchObject({ facts: { code: "offline" } });
    last().cut();
    vi.advanceTimersByTime(400);
    last().welcome();
    expect(last().ofType("route.preview")).toEqual([]);
    await settled;
  });
});

describe("subscriptions", () => {
  it("are renewed with the cursors of that moment", () => {
    let seq = 0;
    const { connection, last } = setUp(() => ({ r: { seq } }));
    connection.subscribe("t");
    connection.connect();
    last().welcome();
    seq = 7;
    last().cut();
    vi.advanceTimersByTime(400);
    last().welcome();
    expect(last().ofType("thread.subscribe")).toMatchObject([{ threadId: "t", cursors: { r: { seq: 7 } } }]);
  });

  it("end, and are not renewed", () => {
    const { connection, last } = setUp();
    connection.connect();
    last().welcome();
    connection.subscribe("t");
    connection.unsubscribe("t");
    last().cut();
    vi.advanceTimersByTime(400);
    last().welcome();
    expect(last().ofType("thread.subscribe")).toEqual([]);
  });

  it("of a thread that we began here are renewed too", () => {
    const { connection, last } = setUp();
    connection.connect();
    last().welcome();
    void connection.send(START);
    last().custom("alma.ack", { id: last().sent[0]?.id, threadId: "t-new", runId: "r" });
    last().cut();
    vi.advanceTimersByTime(400);
    last().welcome();
    expect(last().ofType("thread.subscribe")).toMatchObject([{ threadId: "t-new" }]);
  });

  it("that are refused are reported by thread", () => {
    const { connection, refused, last } = setUp();
    connection.connect();
    last().welcome();
    connection.subscribe("t");
    last().custom("alma.error", { id: last().sent[0]?.id, code: "cursor_ahead", message: "Too far." });
    expect(refused).toEqual([["t", "cursor_ahead"]]);
  });
});
