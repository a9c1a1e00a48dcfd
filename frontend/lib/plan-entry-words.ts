/** Journal entries of plans and tasks, and of what is said between agents and with the user, as sentences. Pure. */

import type { EntryRecord } from "@/lib/api";
import { budgetSentence } from "@/lib/budget-words";
import type { EntryWords } from "@/lib/entry-words";
import { duration, plural } from "@/lib/format";
import type { Budget, ErrorFacts, Plan, PlanTask } from "@/lib/protocol";
import { MEMORY } from "@/lib/recall-state";
import { memoryToolWords } from "@/lib/recall-words";

type Entry = EntryRecord["entry"];

function plain(what: string, detail: string | null = null): EntryWords {
  return { what, detail, tone: "plain" };
}

/** Entries of `main` name no task. */
function taskOf(entry: Entry): string {
  return entry.task_id === undefined || entry.task_id === "main" ? "The run" : `Task ${entry.task_id}`;
}

/** A plan, or how one of its tasks fared; `null`: the entry is of another kind. */
export function taskWords(entry: Entry): EntryWords | null {
  const task = taskOf(entry);
  switch (entry.type) {
    case "plan_made": {
      const plan = entry.plan as Plan;
      const waits = entry.needs_approval ? "; it waits for you" : "";
      return plain(
        `${task} was split into ${plural(plan.tasks.length, "task")}${waits}`,
        plan.reason || null,
      );
    }
    case "plan_decided": {
      const tasks = entry.tasks as PlanTask[] | null | undefined;
      if (!entry.approved) return plain("You had it answered without a plan");
      return plain(
        tasks
          ? `You approved the plan with ${plural(tasks.length, "task")} of yours`
          : "You approved the plan",
      );
    }
    case "plan_amended":
      return plain("The plan was changed", entry.reason ? String(entry.reason) : null);
    case "task_started":
      return plain(`${task} began`, `by the ${entry.role}`);
    case "task_finished": {
      const error = entry.error as ErrorFacts | null | undefined;
      if (entry.status === "completed") return { what: `${task} is done`, detail: null, tone: "good" };
      if (entry.status === "canceled") return plain(`${task} was stopped`);
      const what = entry.status === "rejected" ? "could not begin" : "failed";
      return { what: `${task} ${what}`, detail: error?.message ?? null, tone: "bad" };
    }
    case "task_reused":
      return plain(`${task} was taken over`, "from the run that this one was forked from");
    case "budget_reached": {
      const budget = entry as unknown as Budget;
      return plain(budgetSentence(budget));
    }
    default:
      return null;
  }
}

/** Tools, questions and messages; `null`: the entry is of another kind. */
export function talkWords(entry: Entry): EntryWords | null {
  const task = taskOf(entry);
  switch (entry.type) {
    case "tool_called": {
      const memory = memoryToolWords(String(entry.name), String(entry.arguments));
      if (memory !== null) return plain(`${task} wanted to ${memory.wants}`, memory.what);
      return plain(
        `${entry.name} was ${entry.needs_approval ? "asked for" : "called"}`,
        `by ${task.toLowerCase()}: ${entry.arguments}`,
      );
    }
    case "tool_decided":
      return plain(entry.approved ? "You allowed the tool" : "You refused the tool");
    case "tool_returned": {
      const ms = Number(entry.ms ?? 0);
      if (!entry.ok) return { what: "The tool failed", detail: String(entry.text), tone: "bad" };
      return plain("The tool returned", `after ${duration(ms)}`);
    }
    case "question_asked":
      return plain(`${task} asked you`, String(entry.text));
    case "question_answered":
      return plain("You answered", String(entry.text));
    case "agent_message":
      if (entry.sender === MEMORY) return plain(`${task} was told that a memory changed`, String(entry.text));
      return plain(`The ${entry.sender} told ${entry.recipient}`, String(entry.text));
    case "board_written":
      return plain(`“${entry.key}” was written on the board`, String(entry.text));
    default:
      return null;
  }
}
