/** A small planned run as the server sends it, for tests: two tasks side by side, one with a failed attempt, a tool. */

import type { Custom, ServerEvent } from "@/lib/protocol";
import { emptyThread, type RunState, reduceAll } from "@/lib/run-state";

type Bare<T> = T extends unknown ? Omit<T, "seq" | "timestamp" | "threadId" | "runId"> : never;

/** Numbers events, and gives them times (ms after the start). */
export class Log {
  readonly events: ServerEvent[] = [];
  private seq = 0;

  add(at: number, event: Bare<Exclude<ServerEvent, Custom>>, taskId = "main"): void {
    const numbered = "delta" in event ? {} : { seq: ++this.seq, timestamp: 1_000 + at };
    const of = taskId === "main" ? {} : { subagentRunId: taskId };
    this.events.push({ ...event, ...numbered, ...of, threadId: "t", runId: "r" } as ServerEvent);
  }

  custom<Name extends Custom["name"]>(
    at: number,
    name: Name,
    value: Extract<Custom, { name: Name }>["value"],
    taskId = "main",
  ): void {
    this.add(at, { type: "CUSTOM", name, value } as never, taskId);
  }

  start(at: number, messageId: string, taskId: string, attempt = 1): void {
    const sections = [{ name: "task", tokens: 20 }];
    const more = {
      name: "researcher",
      model: "tiny",
      endpoint: "embedded",
      role: "assistant" as const,
      sections,
    };
    this.add(at, { type: "TEXT_MESSAGE_START", messageId, attempt, ...more }, taskId);
  }

  text(at: number, messageId: string, taskId: string, text: string, attempt = 1): void {
    const n = [...text].length;
    this.add(at, { type: "TEXT_MESSAGE_CONTENT", messageId, attempt, n, delta: text }, taskId);
  }

  end(at: number, messageId: string, taskId: string, n: number, firstMs: number, attempt = 1): void {
    const usage = { input_tokens: 20, output_tokens: 5 };
    const timing = { first_token_ms: firstMs, total_ms: 400 };
    this.add(
      at,
      { type: "TEXT_MESSAGE_END", messageId, attempt, n, finishReason: "stop", usage, timing },
      taskId,
    );
  }

  run(): RunState {
    const run = reduceAll(emptyThread("t"), this.events, 0).runs.get("r");
    if (run === undefined) throw new Error("the log has no RUN_STARTED");
    return run;
  }
}

export const TEXT_1 = "Gas is cheap 🔥 today";
export const TEXT_2 = "Heat pumps use less energy";

export function plannedLog(): Log {
  const log = new Log();
  log.add(0, { type: "RUN_STARTED", text: "Compare gas and heat pump" });
  const tasks = [
    { id: "1", role: "researcher", goal: "Gas" },
    { id: "2", role: "researcher", goal: "Heat pump" },
    { id: "3", role: "writer", goal: "Recommend one", depends_on: ["1", "2"] },
  ];
  log.custom(100, "alma.plan", { plan: { tasks, source: "pattern", pattern: "compare" } });
  log.add(120, { type: "SUBAGENT_STARTED", name: "researcher", model: "tiny" }, "1");
  log.start(120, "m1", "1");
  log.add(200, { type: "SUBAGENT_STARTED", name: "researcher", model: "tiny" }, "2");
  log.start(200, "m2", "2");
  log.text(260, "m1", "1", TEXT_1);
  log.end(520, "m1", "1", [...TEXT_1].length, 100);
  log.add(
    520,
    { type: "SUBAGENT_FINISHED", outcome: { type: "success" }, status: "completed", messageId: "m1" },
    "1",
  );
  log.custom(
    600,
    "alma.attempt_failed",
    { messageId: "m2", attempt: 1, retryInMs: 50, error: { code: "cut", message: "The stream was cut" } },
    "2",
  );
  log.start(650, "m2", "2", 2);
  log.text(700, "m2", "2", TEXT_2, 2);
  log.end(1_000, "m2", "2", [...TEXT_2].length, 50, 2);
  const tool = {
    type: "TOOL_CALL_START",
    toolCallId: "c1",
    toolCallName: "calculator",
    arguments: "{}",
  } as const;
  log.add(1_000, { ...tool, needsApproval: true }, "2");
  log.custom(1_200, "alma.tool_decided", { toolCallId: "c1", approved: true }, "2");
  log.add(
    1_300,
    { type: "TOOL_CALL_RESULT", toolCallId: "c1", messageId: "c1", content: "42", ok: true, role: "tool" },
    "2",
  );
  log.custom(1_300, "alma.question", { questionId: "q1", text: "Which country?" }, "2");
  log.custom(1_500, "alma.question_answered", { questionId: "q1", text: "Germany" }, "2");
  log.add(
    1_600,
    { type: "SUBAGENT_FINISHED", outcome: { type: "success" }, status: "completed", messageId: "m2" },
    "2",
  );
  return log;
}
