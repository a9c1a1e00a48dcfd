/** What is said in a run: between agents, and between an agent and the user. Pure but for the draft it is given. */

import type { Custom } from "@/lib/protocol";
import type { RunDraft } from "@/lib/run-draft";
import { isOver, type TaskState } from "@/lib/task-state";

export function atWork(task: TaskState): Pick<TaskState, "status"> {
  return { status: isOver(task) ? task.status : "working" };
}

/** The user's word on a call, a question or the plan of the task is still missing. */
export function stillAsks(draft: RunDraft, task: TaskState): boolean {
  if (task.openQuestion !== null) return true;
  if (task.plan?.needsApproval === true && task.plan.decided === null) return true;
  return task.calls.some((id) => {
    const call = draft.run.calls.get(id);
    return call?.needsApproval === true && call.decided === null && call.result === null;
  });
}

/** What is said: between agents, and between an agent and the user. */
export function applyTalk(draft: RunDraft, task: TaskState, event: Custom): void {
  const at = event.timestamp ?? 0;
  switch (event.name) {
    case "alma.tool_decided": {
      const call = draft.run.calls.get(event.value.toolCallId);
      if (call === undefined) return;
      draft.put("calls", call.id, { ...call, decided: event.value.approved });
      const asker = draft.run.tasks.get(call.taskId) ?? task;
      if (!stillAsks(draft, asker)) draft.putTask({ ...asker, ...atWork(asker) });
      break;
    }
    case "alma.question": {
      const { questionId: id, text, options = [] } = event.value;
      draft.put("questions", id, { id, taskId: task.id, text, options, askedAt: at, answer: null });
      draft.putTask({ ...task, status: isOver(task) ? task.status : "input_required", openQuestion: id });
      break;
    }
    case "alma.question_answered": {
      const question = draft.run.questions.get(event.value.questionId);
      if (question === undefined) return;
      draft.put("questions", question.id, { ...question, answer: event.value.text });
      const asker = { ...(draft.run.tasks.get(question.taskId) ?? task), openQuestion: null };
      draft.putTask(stillAsks(draft, asker) ? asker : { ...asker, ...atWork(asker) });
      break;
    }
    case "alma.message": {
      const { sender, recipient, kind, text, refs = [] } = event.value;
      draft.append("mail", { seq: event.seq ?? 0, at, taskId: task.id, sender, recipient, kind, text, refs });
      break;
    }
    case "alma.board": {
      const { key, version, text } = event.value;
      draft.put("board", key, { key, version, text, taskId: task.id, at });
      break;
    }
    default:
  }
}
