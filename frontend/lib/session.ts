/**
 * The client's composition root: one connection, the stores that it feeds, and what a person can do with them.
 * Importing it has no effect; `start` connects. Knows no React.
 */

import { factsOf } from "@/lib/api";
import { moveDraft, restoreComposer } from "@/lib/composer-state";
import { CommandRefused, Connection } from "@/lib/connection";
import { freshId } from "@/lib/ids";
import { go, location } from "@/lib/location";
import { ModelListStore } from "@/lib/model-list";
import { Notices } from "@/lib/notices";
import { Outbox, type OutgoingTurn } from "@/lib/outbox";
import type {
  Command,
  DocumentProgress,
  ErrorFacts,
  ForkRun,
  Kind,
  MemoriesChanged,
  PlanTask,
  RetryRun,
  ServerEvent,
  StartRun,
} from "@/lib/protocol";
import { RoleList } from "@/lib/role-list";
import { RoutePreview } from "@/lib/route-preview";
import type { Limits } from "@/lib/run-state";
import { beforeNextPaint, ThreadStore } from "@/lib/run-store";
import { heardFromServer } from "@/lib/server-clock";
import { writable } from "@/lib/store";
import { ThreadListStore } from "@/lib/thread-list";

const THREADS_KEPT = 20;
const RESYNC_PAUSE_MS = 2_000;

export interface TurnRequest {
  text: string;
  kind: Kind | null;
  model: string | null;
  threadId: string | null;
  /** The turn to follow; `null` with a `threadId` lets the server take the newest. */
  after: string | null;
  /** Another first turn of the thread. */
  root?: boolean;
  /** Show a plan before it runs. */
  approve?: boolean;
  /** What it may use at most; 0: no limit of its own. */
  limits?: Limits;
  /** No answer from the cache. */
  fresh?: boolean;
  /** Another version of a turn that is there. */
  again?: boolean;
}

function limitsOf(limits: Limits | undefined): Partial<Limits> {
  return Object.fromEntries(Object.entries(limits ?? {}).filter(([, limit]) => limit > 0));
}

/** From which task on a run is done again, and what is other about it. */
export interface ForkRequest {
  taskId: string;
  goal?: string;
  role?: string;
  model?: string;
}

function socketAddress(): string {
  const { protocol, host } = window.location;
  return `${protocol === "https:" ? "wss" : "ws"}://${host}/ws`;
}

export class Session {
  readonly notices = new Notices();
  readonly threadList = new ThreadListStore(this.notices);
  readonly models = new ModelListStore();
  readonly roles = new RoleList();
  readonly outbox = new Outbox();
  /** The newest word of what changed in memory, and of a file that is being read; each word is a value of its own. */
  readonly memories = writable<MemoriesChanged | null>(null);
  readonly documents = writable<DocumentProgress | null>(null);
  readonly preview = new RoutePreview((text, place) =>
    this.connection.send({ type: "route.preview", text, ...place }),
  );
  readonly connection: Connection;
  private readonly threads = new Map<string, ThreadStore>();
  private followed: string | null = null;
  private readonly resyncs = new Map<string, number>();
  private started = false;

  constructor(open?: (url: string) => WebSocket) {
    this.connection = new Connection({
      get url() {
        return socketAddress();
      },
      open,
      onEvent: (event) => this.receive(event),
      cursors: (threadId) => this.thread(threadId).cursors(),
      onSubscriptionRefused: (threadId, facts) => this.subscriptionRefused(threadId, facts),
    });
  }

  start(): () => void {
    if (this.started) return () => undefined;
    this.started = true;
    restoreComposer();
    this.connection.connect();
    for (const turn of this.outbox.restore()) if (turn.refused === null) this.dispatch(turn);
    let wasOnline = false;
    const stopWatching = this.connection.state.subscribe(() => {
      const online = this.connection.state.get().phase === "online";
      if (online && !wasOnline) this.refresh();
      wasOnline = online;
    });
    const again = (): void => {
      if (document.visibilityState === "visible") this.connection.connect();
    };
    const leave = (): void => this.threadList.flushDeletes();
    window.addEventListener("online", again);
    document.addEventListener("visibilitychange", again);
    window.addEventListener("pagehide", leave);
    return () => {
      stopWatching();
      window.removeEventListener("online", again);
      document.removeEventListener("visibilitychange", again);
      window.removeEventListener("pagehide", leave);
      this.connection.close();
      this.started = false;
    };
  }

  /** The store of a thread, made when first asked for. */
  thread(threadId: string): ThreadStore {
    const known = this.threads.get(threadId);
    if (known !== undefined) return known;
    const store = new ThreadStore(threadId, { onGap: () => this.resync(threadId) });
    this.threads.set(threadId, store);
    for (const oldest of this.threads.keys()) {
      if (this.threads.size <= THREADS_KEPT) break;
      if (oldest !== this.followed && oldest !== threadId) this.threads.delete(oldest);
    }
    return store;
  }

  /** Follows the thread that is on the screen, and no other. */
  follow(threadId: string | null): void {
    if (threadId === this.followed) return;
    if (this.followed !== null) this.connection.unsubscribe(this.followed);
    this.followed = threadId;
    if (threadId === null) return;
    if (this.threadList.state.get().loaded) void this.threadList.learnTitle(threadId);
    const fresh = this.outbox.turns.get().some((turn) => turn.threadId === threadId);
    if (fresh && this.thread(threadId).get().live) this.connection.adopt(threadId);
    else this.connection.subscribe(threadId);
  }

  startRun(request: TurnRequest): void {
    const command: StartRun = {
      type: "run.start",
      key: freshId(),
      text: request.text,
      ...(request.threadId === null ? {} : { threadId: request.threadId }),
      ...(request.after === null ? {} : { parentRunId: request.after }),
      ...(request.root ? { root: true } : {}),
      ...(request.model === null ? {} : { model: request.model }),
      ...(request.kind === null ? {} : { kind: request.kind }),
      ...(request.approve ? { approve: true } : {}),
      ...limitsOf(request.limits),
      ...(request.fresh ? { fresh: true } : {}),
    };
    const { text, threadId, after } = request;
    const again = request.again ? { again: true } : {};
    this.dispatch({ command, text, threadId, after, refused: null, ...again });
  }

  /** The turn once more, as another version of it that may use so much. */
  askWithin(threadId: string, runId: string, limits: Limits): void {
    const run = this.thread(threadId).get().runs.get(runId);
    if (run === undefined) return;
    const { text, parentRunId: after, approve, asked, fresh } = run;
    const root = after === null;
    this.startRun({ text, threadId, after, root, approve, fresh, limits, ...asked, again: true });
  }

  /** The turn once more, as another version of it; nothing of it comes from the cache. */
  retryRun(
    threadId: string,
    runId: string,
    change: { text?: string; model?: string; kind?: Kind } = {},
  ): void {
    const run = this.thread(threadId).get().runs.get(runId);
    if (run === undefined) return;
    const command: RetryRun = { type: "run.retry", key: freshId(), runId, ...change };
    const text = change.text ?? run.text;
    this.dispatch({ command, text, threadId, after: run.parentRunId, refused: null });
  }

  /** Another branch beside the run: from one task on anew, the rest taken over. */
  forkRun(threadId: string, runId: string, fork: ForkRequest): void {
    const run = this.thread(threadId).get().runs.get(runId);
    if (run === undefined) return;
    const command: ForkRun = { type: "run.fork", key: freshId(), runId, ...fork };
    this.dispatch({ command, text: run.text, threadId, after: run.parentRunId, refused: null });
  }

  stopRun(runId: string): void {
    void this.command({ type: "run.stop", runId });
  }

  /** Only this task and all below it; the run goes on without them. */
  stopTask(runId: string, taskId: string): void {
    void this.command({ type: "run.stop", runId, taskId });
  }

  pauseRun(runId: string): void {
    void this.command({ type: "run.pause", runId });
  }

  resumeRun(runId: string): void {
    void this.command({ type: "run.resume", runId });
  }

  correctRoute(runId: string, kind: Kind): void {
    void this.command({ type: "route.correct", runId, kind });
  }

  /** The user's word on a plan: `tasks` where they changed it. True: the server has it. */
  decidePlan(
    runId: string,
    taskId: string,
    approved: boolean,
    tasks?: readonly PlanTask[],
  ): Promise<boolean> {
    const changed = tasks === undefined ? {} : { tasks: [...tasks] };
    return this.command({ type: "plan.decide", runId, taskId, approved, ...changed });
  }

  decideTool(runId: string, toolCallId: string, approved: boolean): Promise<boolean> {
    return this.command({ type: "tool.decide", runId, toolCallId, approved });
  }

  answerQuestion(runId: string, questionId: string, text: string): Promise<boolean> {
    return this.command({ type: "question.answer", runId, questionId, text });
  }

  /** Carries a command out that makes no turn; a refusal becomes a notice. */
  private async command(command: Command): Promise<boolean> {
    try {
      await this.connection.send(command);
      return true;
    } catch (cause) {
      this.notices.error(factsOf(cause));
      return false;
    }
  }

  /** Sends a refused turn once more, as a new command. */
  sendAgain(turn: OutgoingTurn): void {
    this.outbox.remove(turn.command.key);
    this.dispatch({ ...turn, command: { ...turn.command, key: freshId() }, refused: null });
  }

  private dispatch(turn: OutgoingTurn): void {
    const { key } = turn.command;
    this.outbox.put(turn);
    this.connection.send(turn.command).then(
      (ack) => {
        if ("threadId" in ack && ack.threadId)
          this.accepted(turn, ack.threadId, ack.runId ?? null, ack.duplicate);
      },
      (cause) => {
        if (cause instanceof CommandRefused) this.outbox.patch(key, { refused: cause.facts });
      },
    );
  }

  private accepted(turn: OutgoingTurn, threadId: string, runId: string | null, duplicate = false): void {
    const { key } = turn.command;
    const store = this.thread(threadId);
    const view = location.get();
    if (turn.threadId === null) {
      this.outbox.patch(key, { threadId });
      store.markLive();
      if (view.thread === null) {
        moveDraft(threadId);
        go({ thread: threadId, run: null });
      }
    } else if (view.thread === threadId && view.run !== null && runId !== null) {
      go({ run: runId }, "replace");
    }
    // By now another thread is on the screen: its runs go on, we need not watch.
    if (location.get().thread !== threadId) this.connection.unsubscribe(threadId);
    // The key was known: the run may be long under way, so ask for all of it.
    if (duplicate) {
      if (location.get().thread === threadId) this.connection.subscribe(threadId);
      this.outbox.remove(key);
    }
    if (runId !== null && store.get().runs.has(runId)) this.outbox.remove(key);
  }

  private receive(event: ServerEvent): void {
    if (event.type === "CUSTOM") {
      switch (event.name) {
        case "alma.thread":
          this.threadChanged(event.value.id, event.value.deleted ?? false);
          this.threadList.changed(event.value);
          return;
        case "alma.models":
          void this.models.load();
          return;
        case "alma.endpoints":
          this.models.healthChanged(event.value.endpoints);
          return;
        case "alma.pull":
          this.models.pulled(event.value);
          return;
        case "alma.error":
          if (event.threadId && event.value.code === "unknown_thread") this.threadGone(event.threadId);
          else this.notices.error(event.value);
          return;
        case "alma.memories":
          this.memories.set(event.value);
          return;
        case "alma.document":
          this.documents.set(event.value);
          return;
        case "alma.notice":
          this.notices.show(event.value.message, { hint: event.value.hint });
          return;
        default:
      }
    }
    if (!event.threadId) return;
    const store = this.thread(event.threadId);
    if (event.seq && event.timestamp && store.get().live) heardFromServer(event.timestamp);
    store.push(event);
    if (event.type === "RUN_STARTED" && event.key) {
      const { key } = event;
      beforeNextPaint(() => this.outbox.remove(key));
    }
    if (event.type === "CUSTOM" && event.name === "alma.live") this.resyncs.delete(`${event.threadId}/asked`);
  }

  private threadChanged(threadId: string, deleted: boolean): void {
    if (deleted) this.threads.get(threadId)?.markMissing();
  }

  private threadGone(threadId: string): void {
    this.connection.unsubscribe(threadId);
    this.thread(threadId).markMissing();
  }

  /** Something is missing: ask again from our cursors, and if that did not help, from the start. */
  private resync(threadId: string): void {
    const asked = `${threadId}/asked`;
    if (this.resyncs.has(asked)) return;
    const now = Date.now();
    const last = this.resyncs.get(threadId) ?? 0;
    this.resyncs.set(asked, now);
    this.resyncs.set(threadId, now);
    if (now - last > RESYNC_PAUSE_MS) {
      this.connection.subscribe(threadId);
      return;
    }
    setTimeout(() => {
      this.thread(threadId).reset();
      this.connection.subscribe(threadId);
    }, RESYNC_PAUSE_MS);
  }

  private subscriptionRefused(threadId: string, facts: ErrorFacts): void {
    this.resyncs.delete(`${threadId}/asked`);
    if (facts.code === "cursor_ahead") {
      this.thread(threadId).reset();
      this.connection.subscribe(threadId);
    } else if (facts.code === "unknown_thread") {
      this.threadGone(threadId);
    } else {
      this.notices.error(facts);
    }
  }

  /** After every (re)connection: what is not replayed by cursors is asked for anew. */
  private refresh(): void {
    this.resyncs.clear();
    void this.threadList.load().then(() => {
      if (this.followed !== null) return this.threadList.learnTitle(this.followed);
    });
    void this.models.load();
  }
}

/** The page's one session. */
export const session = new Session();
