/**
 * The client's composition root: one connection, the stores that it feeds, and what a person can do with them.
 * Importing it has no effect; `start` connects. Knows no React.
 */

import { api } from "@/lib/api";
import { moveDraft, restoreComposer } from "@/lib/composer-state";
import { CommandRefused, Connection } from "@/lib/connection";
import { isOurs, keptOutside, LOCAL, outside } from "@/lib/entry";
import { freshId } from "@/lib/ids";
import { waitMs } from "@/lib/limits";
import { go, location } from "@/lib/location";
import { ModelListStore } from "@/lib/model-list";
import { Notices } from "@/lib/notices";
import { Outbox, type OutgoingTurn } from "@/lib/outbox";
import { followPage } from "@/lib/page-life";
import type {
  Command,
  DocumentProgress,
  ErrorFacts,
  FiringAlert,
  ForkRun,
  Kind,
  MemoriesChanged,
  MetricsNow,
  PlanTask,
  RetryRun,
  ServerEvent,
} from "@/lib/protocol";
import { Resyncs } from "@/lib/resyncs";
import { RoleList } from "@/lib/role-list";
import { RoutePreview } from "@/lib/route-preview";
import type { Limits } from "@/lib/run-state";
import { beforeNextPaint, ThreadStore } from "@/lib/run-store";
import { heardFromServer } from "@/lib/server-clock";
import { writable } from "@/lib/store";
import { ThreadListStore } from "@/lib/thread-list";
import { type ForkRequest, startCommand, type TurnRequest } from "@/lib/turn-request";
import { untilTaken } from "@/lib/until-taken";

const THREADS_KEPT = 20;

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
  /** What was measured in the last second, while somebody watches. */
  readonly metrics = writable<MetricsNow | null>(null);
  /** What fires, to administrators. */
  readonly alerts = writable<readonly FiringAlert[]>([]);
  readonly preview = new RoutePreview((text, place) =>
    this.connection.send({ type: "route.preview", text, ...place }),
  );
  readonly connection: Connection;
  private readonly threads = new Map<string, ThreadStore>();
  private followed: string | null = null;
  private readonly resyncs = new Resyncs(
    (threadId) => this.connection.subscribe(threadId),
    (threadId) => this.subscribeAnew(threadId),
  );
  private started = false;

  constructor(open?: (url: string) => WebSocket) {
    this.connection = new Connection({
      get url() {
        return socketAddress();
      },
      open,
      onEvent: (event) => this.receive(event),
      admits: ({ owner = LOCAL }) => isOurs(owner),
      onDenied: () => keptOutside({ code: "token_missing", message: "" }),
      cursors: (threadId) => this.thread(threadId).cursors(),
      onSubscriptionRefused: (threadId, facts) => this.subscriptionRefused(threadId, facts),
    });
  }

  start(): () => void {
    if (this.started) return () => undefined;
    this.started = true;
    restoreComposer();
    this.connection.connect();
    for (const turn of this.outbox.restore()) {
      if (turn.refused === null) this.dispatch(turn);
      else if (turn.retryAt) this.sendLater(turn.command.key, turn.retryAt - Date.now());
    }
    let wasOnline = false;
    const stopWatching = this.connection.state.subscribe(() => {
      const { phase } = this.connection.state.get();
      const online = phase === "online";
      if (online && !wasOnline) this.refresh();
      wasOnline = online;
      if (phase === "waiting") void this.askWhetherIn();
    });
    const stopGuarding = outside.subscribe(() => {
      if (outside.get() === null) this.connection.connect();
      else this.connection.close();
    });
    const stopFollowing = followPage(
      () => outside.get() ?? this.connection.connect(),
      () => this.threadList.flushDeletes(),
    );
    return () => {
      stopWatching();
      stopGuarding();
      stopFollowing();
      this.connection.close();
      this.started = false;
    };
  }

  /** The store of a thread, made when first asked for. */
  thread(threadId: string): ThreadStore {
    const known = this.threads.get(threadId);
    if (known !== undefined) return known;
    const store = new ThreadStore(threadId, { onGap: () => this.resyncs.gap(threadId) });
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
    const command = startCommand(request, freshId());
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

  /** Carries a command out that makes no turn; a refusal becomes a notice, and what was too much is sent again. */
  private async command(command: Command): Promise<boolean> {
    const say = (words: string, forMs: number) => this.notices.show(words, { forMs });
    const refused = await untilTaken(() => this.connection.send(command), say);
    if (refused !== null) this.notices.error(refused);
    return refused === null;
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
        if (!(cause instanceof CommandRefused)) return;
        const refused = cause.facts;
        if (refused.code === "server_stopping") return this.sendWhenBack(turn);
        const wait = waitMs(refused);
        this.outbox.patch(key, { refused, ...(wait > 0 ? { retryAt: Date.now() + wait } : {}) });
        if (wait > 0) this.sendLater(key, wait);
      },
    );
  }

  /** A server that goes away takes nothing new: the one that comes back gets it. */
  private sendWhenBack(turn: OutgoingTurn): void {
    this.connection.isStopping();
    const stop = this.connection.state.subscribe(() => {
      if (this.connection.state.get().phase === "online") return;
      stop();
      this.dispatch(turn);
    });
  }

  private sendLater(key: string, wait: number): void {
    setTimeout(() => {
      const turn = this.outbox.find(key);
      if (turn?.retryAt && turn.retryAt <= Date.now()) this.sendNow(turn);
    }, wait);
  }

  /** Sends a turn that met a limit: as the same command, so that it cannot be there twice. */
  sendNow(turn: OutgoingTurn): void {
    this.dispatch({ ...turn, refused: null, retryAt: null });
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
          if (event.value.deleted) this.threads.get(event.value.id)?.markMissing();
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
          else if (event.value.code.startsWith("token_")) keptOutside(event.value);
          else this.notices.error(event.value);
          return;
        case "alma.memories":
          this.memories.set(event.value);
          return;
        case "alma.document":
          this.documents.set(event.value);
          return;
        case "alma.metrics":
          this.metrics.set(event.value);
          return;
        case "alma.alerts":
          this.alerts.set(event.value.firing);
          return;
        case "alma.notice":
          if (event.value.code === "server_stopping") this.connection.isStopping();
          else this.notices.show(event.value.message, { hint: event.value.hint });
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
    if (event.type === "CUSTOM" && event.name === "alma.live") this.resyncs.settled(event.threadId);
  }

  private threadGone(threadId: string): void {
    this.connection.unsubscribe(threadId);
    this.thread(threadId).markMissing();
  }

  private subscribeAnew(threadId: string): void {
    this.thread(threadId).reset();
    this.connection.subscribe(threadId);
  }

  private subscriptionRefused(threadId: string, facts: ErrorFacts): void {
    this.resyncs.settled(threadId);
    if (facts.code === "cursor_ahead") {
      this.subscribeAnew(threadId);
    } else if (facts.code === "unknown_thread") {
      this.threadGone(threadId);
    } else if (waitMs(facts) > 0) {
      setTimeout(() => {
        if (this.followed === threadId) this.connection.subscribe(threadId);
      }, waitMs(facts));
    } else {
      this.notices.error(facts);
    }
  }

  /** The connection failed: the server may be away, or want to know who we are. */
  private async askWhetherIn(): Promise<void> {
    try {
      const { known } = await api.session();
      if (!known) keptOutside({ code: "token_missing", message: "" });
    } catch {
      // It is away.
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
