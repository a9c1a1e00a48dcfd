"use client";

import { memo, type ReactNode } from "react";
import { lazily } from "@/components/lazily";
import type { RunState } from "@/lib/run-state";
import { isOver } from "@/lib/task-state";

const PlanCard = lazily(() => import("@/features/conversation/plan-card").then((module) => module.PlanCard));
const QuestionCard = lazily(() =>
  import("@/features/conversation/question-card").then((module) => module.QuestionCard),
);
const ToolCard = lazily(() => import("@/features/conversation/tool-card").then((module) => module.ToolCard));

interface AsksProps extends Pick<RunState, "tasks" | "questions" | "calls"> {
  runId: string;
  /** The run goes on, so that the user can still speak. */
  working: boolean;
}

/** All that the agents of a run wanted of the user, in the order in which they asked. */
export const Asks = memo(function Asks({ runId, tasks, questions, calls, working }: AsksProps) {
  const cards: { at: number; card: ReactNode }[] = [];
  for (const task of tasks.values()) {
    const { plan } = task;
    if (plan === null || !plan.needsApproval) continue;
    const open = working && plan.decided === null && !isOver(task);
    cards.push({
      at: 0,
      card: <PlanCard key={`plan ${task.id}`} runId={runId} task={task} plan={plan} open={open} />,
    });
  }
  for (const question of questions.values()) {
    const task = tasks.get(question.taskId);
    const open = working && question.answer === null && (task === undefined || !isOver(task));
    cards.push({
      at: question.askedAt,
      card: <QuestionCard key={question.id} runId={runId} question={question} task={task} open={open} />,
    });
  }
  for (const call of calls.values()) {
    if (!call.needsApproval) continue;
    const task = tasks.get(call.taskId);
    const waits = call.decided === null && call.result === null && (task === undefined || !isOver(task));
    cards.push({
      at: call.startedAt,
      card: <ToolCard key={call.id} runId={runId} call={call} task={task} open={working && waits} />,
    });
  }
  if (cards.length === 0) return null;
  return <div className="space-y-1">{cards.sort((a, b) => a.at - b.at).map(({ card }) => card)}</div>;
});
