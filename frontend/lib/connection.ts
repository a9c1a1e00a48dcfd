/**
 * The WebSocket to the server, kept alive: backoff with jitter, a watchdog on heartbeats, commands with ids that are
 * answered by promises, and unanswered commands sent again after a reconnect (their keys make that safe). Knows
 * nothing of threads but that some are subscribed to, and whom to ask for their cursors.
 */

import { freshId } from "@/lib/ids";
import type { Preview, ServerEvent, Welcome } from "@/lib/protocol";
import { type Ack, type Command, type Cursors, type ErrorFacts, PROTOCOL, parseFrame } from "@/lib/protocol";
import { type Readable, writable } from "@/lib/store";

export type ConnectionPhase = "connecting" | "online" | "waiting" | "mismatch" | "closed";

export interface ConnectionState {
  readonly phase: ConnectionPhase;
  /** Failed tries since the last welcome. */
  readonly failures: number;
  /** When the next try is due (our clock, ms), while `waiting`. */
  readonly retryAt: number;
  readonly everOnline: boolean;
  readonly welcome: Welcome | null;
  /** The server of an earlier welcome was another process. */
  readonly restarted: boolean;
  /** It has said that it goes away, and not yet come back. */
  readonly stopping: boolean;
}

export type Answer = Ack | Preview;

/** A command that the server refused, with the server's words. */
export class CommandRefused extends Error {
  constructor(readonly facts: ErrorFacts) {
    super(facts.message);
    this.name = "CommandRefused";
  }
}

export interface ConnectionOptions {
  url: string;
  open?: (url: string) => WebSocket;
  now?: () => number;
  random?: () => number;
  onEvent: (event: ServerEvent) => void;
  /** How far we are in a thread, asked at every (re)subscription. */
  cursors: (threadId: string) => Cursors;
  /** Who is welcome; where the answer is no, nothing is sent to the server. */
  admits?: (welcome: Welcome) => boolean;
  /** The server does not let us in, or no longer. */
  onDenied?: () => void;
  /** A subscription was refused. */
  onSubscriptionRefused: (threadId: string, facts: ErrorFacts) => void;
}

interface Pending {
  command: Command;
  id: string;
  sent: boolean;
  resolve: (answer: Answer) => void;
  reject: (reason: CommandRefused) => void;
}

/** The server follows the thread of such a command for us. */
const MAKES_A_RUN: ReadonlySet<Command["type"]> = new Set(["run.start", "run.retry", "run.fork"]);
const FIRST_DELAY_MS = 400;
const LONGEST_DELAY_MS = 15_000;
const WELCOME_TIMEOUT_MS = 8_000;
const SILENT_HEARTBEATS = 2.5;
// How the server closes: it goes away and comes back; this one may not be here.
const RESTARTING = 1012;
const DENIED = 4401;

/** The wait before try number `failures` + 1: doubling, capped, and between half of it and all of it. */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(ceiling * (0.5 + random / 2));
}

export class Connection {
  private readonly store = writable<ConnectionState>({
    phase: "closed",
    failures: 0,
    retryAt: 0,
    everOnline: false,
    welcome: null,
    restarted: false,
    stopping: false,
  });
  readonly state: Readable<ConnectionState> = this.store;
  private socket: WebSocket | null = null;
  private readonly pending = new Map<string, Pending>();
  private readonly threads = new Set<string>();
  private readonly subscriptions = new Map<string, string>();
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private lastHeard = 0;
  private readonly now: () => number;
  private readonly random: () => number;

  constructor(private readonly options: ConnectionOptions) {
    this.now = options.now ?? (() => Date.now());
    this.random = options.random ?? Math.random;
  }

  /** Connects, or tries again at once. Does nothing while connected or connecting. */
  connect(): void {
    const { phase } = this.store.get();
    if (phase === "online" || phase === "connecting" || phase === "mismatch") return;
    clearTimeout(this.retryTimer);
    this.patch({ phase: "connecting" });
    const url = `${this.options.url}?protocol=${PROTOCOL}`;
    const socket = this.options.open?.(url) ?? new WebSocket(url);
    this.socket = socket;
    this.lastHeard = this.now();
    this.watch(WELCOME_TIMEOUT_MS);
    socket.onmessage = (message: MessageEvent) => {
      if (this.socket !== socket || typeof message.data !== "string") return;
      this.lastHeard = this.now();
      const event = parseFrame(message.data);
      if (event !== null) this.receive(event);
    };
    socket.onclose = ({ code }: CloseEvent) => {
      if (this.socket !== socket) return;
      if (code === RESTARTING) this.isStopping();
      this.lost();
      if (code === DENIED) this.options.onDenied?.();
    };
  }

  /** The server has said that it goes away. */
  isStopping(): void {
    this.patch({ stopping: true });
  }

  /** Until `connect`. What was not answered is kept, and sent then. */
  close(): void {
    this.drop();
    clearTimeout(this.retryTimer);
    this.patch({ phase: "closed" });
  }

  /**
   * Carries a command out. Offline it waits, and is sent after the reconnect; a command that was sent and not
   * answered is sent again. Rejects with `CommandRefused` when the server says no.
   */
  send(command: Command): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const pending: Pending = { command, id: freshId(), sent: false, resolve, reject };
      this.pending.set(pending.id, pending);
      this.transmit(pending);
    });
  }

  /** Follows a thread from our cursors on, now and after every reconnect. */
  subscribe(threadId: string): void {
    this.threads.add(threadId);
    if (this.store.get().phase === "online") this.sendSubscription(threadId);
  }

  /** The server follows this thread for us already (it does so for every run that we start). */
  adopt(threadId: string): void {
    this.threads.add(threadId);
  }

  unsubscribe(threadId: string): void {
    if (!this.threads.delete(threadId)) return;
    if (this.store.get().phase === "online") {
      this.raw({ type: "thread.unsubscribe", id: freshId(), threadId });
    }
  }

  private sendSubscription(threadId: string): void {
    const id = freshId();
    this.subscriptions.set(id, threadId);
    this.raw({ type: "thread.subscribe", id, threadId, cursors: this.options.cursors(threadId) });
  }

  private raw(frame: object): void {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(frame));
  }

  private transmit(pending: Pending): void {
    if (this.store.get().phase !== "online") return;
    pending.sent = true;
    this.raw({ ...pending.command, id: pending.id });
  }

  private receive(event: ServerEvent): void {
    if (event.type === "CUSTOM") {
      switch (event.name) {
        case "alma.welcome":
          this.welcomed(event.value);
          return;
        case "alma.ack":
          this.answered(event.value.id, event.value);
          return;
        case "alma.route_preview":
          this.answered(event.value.id, event.value);
          return;
        case "alma.error":
          if (event.value.id) this.refused(event.value.id, event.value);
          else this.refusedUnnamed(event);
          return;
        case "alma.heartbeat":
          return;
        default:
      }
    }
    this.options.onEvent(event);
  }

  private welcomed(welcome: Welcome): void {
    if (welcome.protocol !== PROTOCOL) {
      this.mismatch();
      return;
    }
    if (this.options.admits?.(welcome) === false) {
      this.close();
      return;
    }
    const before = this.store.get().welcome;
    this.patch({
      phase: "online",
      failures: 0,
      everOnline: true,
      welcome,
      restarted: before !== null && before.bootId !== welcome.bootId,
      stopping: false,
    });
    this.subscriptions.clear();
    this.watch(welcome.heartbeatSeconds * SILENT_HEARTBEATS * 1000);
    for (const threadId of this.threads) this.sendSubscription(threadId);
    for (const pending of [...this.pending.values()]) this.transmit(pending);
  }

  private answered(id: string, answer: Answer): void {
    this.subscriptions.delete(id);
    const pending = this.pending.get(id);
    if (pending === undefined) return;
    this.pending.delete(id);
    if (MAKES_A_RUN.has(pending.command.type)) {
      const threadId = "threadId" in answer ? answer.threadId : null;
      if (threadId) this.adopt(threadId);
    }
    pending.resolve(answer);
  }

  /** The server could not tell which command it was; at connecting, there was none. */
  private refusedUnnamed(event: ServerEvent & { value: ErrorFacts }): void {
    if (event.value.code === "protocol_mismatch") this.mismatch();
    else this.options.onEvent(event);
  }

  private refused(id: string, facts: ErrorFacts): void {
    const threadId = this.subscriptions.get(id);
    if (threadId !== undefined) {
      this.subscriptions.delete(id);
      this.options.onSubscriptionRefused(threadId, facts);
      return;
    }
    const pending = this.pending.get(id);
    if (pending === undefined) return;
    this.pending.delete(id);
    pending.reject(new CommandRefused(facts));
  }

  /** The page and the server do not understand each other; only loading the page anew can help. */
  private mismatch(): void {
    this.drop();
    this.patch({ phase: "mismatch" });
  }

  private lost(): void {
    this.drop();
    const failures = this.store.get().failures + 1;
    const wait = backoffMs(failures, this.random());
    this.patch({ phase: "waiting", failures, retryAt: this.now() + wait });
    for (const pending of [...this.pending.values()]) {
      // A preview of text that has changed since is of no use; all else is kept and sent again.
      if (pending.command.type !== "route.preview") continue;
      this.pending.delete(pending.id);
      pending.reject(new CommandRefused({ code: "offline", message: "The connection was lost." }));
    }
    this.retryTimer = setTimeout(() => this.connect(), wait);
  }

  private drop(): void {
    clearTimeout(this.watchdog);
    const socket = this.socket;
    this.socket = null;
    if (socket === null) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  /** Reconnects when nothing was heard for `limit` ms. Timers may fire late (sleep), so the clock is asked as well. */
  private watch(limit: number): void {
    clearTimeout(this.watchdog);
    const check = (): void => {
      const silent = this.now() - this.lastHeard;
      if (silent >= limit) this.lost();
      else this.watchdog = setTimeout(check, limit - silent);
    };
    this.watchdog = setTimeout(check, limit);
  }

  private patch(change: Partial<ConnectionState>): void {
    this.store.update((state) => ({ ...state, ...change }));
  }
}
