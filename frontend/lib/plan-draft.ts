/** A plan while a person edits it, before it is approved. Pure. */

import { MAIN, type PlanTask } from "@/lib/protocol";
import { compareTaskIds } from "@/lib/task-state";

export interface PlanDraft {
  readonly tasks: readonly PlanTask[];
  /** Ids that were taken once; none is given twice. */
  readonly taken: readonly string[];
}

export function draftOf(tasks: readonly PlanTask[]): PlanDraft {
  return { tasks, taken: tasks.map(({ id }) => id) };
}

export function changeTask(draft: PlanDraft, id: string, change: Partial<PlanTask>): PlanDraft {
  // A title that no longer says what the goal says misleads.
  const more = change.goal === undefined ? change : { ...change, title: "" };
  return { ...draft, tasks: draft.tasks.map((task) => (task.id === id ? { ...task, ...more } : task)) };
}

/** Who waited for it now waits for what it waited for. */
export function removeTask(draft: PlanDraft, id: string): PlanDraft {
  const gone = draft.tasks.find((task) => task.id === id);
  const tasks = draft.tasks
    .filter((task) => task.id !== id && task.review_of !== id)
    .map((task) => {
      const waits = task.depends_on ?? [];
      if (!waits.includes(id)) return task;
      const others = [...waits.filter((other) => other !== id), ...(gone?.depends_on ?? [])];
      return { ...task, depends_on: [...new Set(others)] };
    });
  const left = new Set(tasks.map((task) => task.id));
  return {
    ...draft,
    tasks: tasks.map((task) =>
      task.depends_on === undefined
        ? task
        : { ...task, depends_on: task.depends_on.filter((other) => left.has(other)) },
    ),
  };
}

export function addTask(draft: PlanDraft, parentId: string, role: string): PlanDraft {
  const last = draft.taken
    .map((id) => Number(id.slice(id.lastIndexOf(".") + 1)))
    .reduce((a, b) => Math.max(a, b), 0);
  const id = parentId === MAIN ? `${last + 1}` : `${parentId}.${last + 1}`;
  return { tasks: [...draft.tasks, { id, role, goal: "" }], taken: [...draft.taken, id] };
}

/** Which tasks a task may wait for: those that do not wait for it, in however many steps. */
export function mayWaitFor(draft: PlanDraft, id: string): PlanTask[] {
  const waitsForIt = new Set([id]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const task of draft.tasks) {
      if (waitsForIt.has(task.id) || !task.depends_on?.some((other) => waitsForIt.has(other))) continue;
      waitsForIt.add(task.id);
      grew = true;
    }
  }
  return draft.tasks
    .filter((task) => !waitsForIt.has(task.id))
    .sort((left, right) => compareTaskIds(left.id, right.id));
}

/** What keeps it from being approved, in words; `null`: nothing. */
export function draftProblem(draft: PlanDraft): string | null {
  if (draft.tasks.length === 0)
    return "Without a task there is no plan. Add one, or have it answered without.";
  const empty = draft.tasks.find((task) => task.goal.trim() === "");
  return empty === undefined ? null : `Task ${empty.id} has no goal yet.`;
}

export function isChanged(draft: PlanDraft, before: readonly PlanTask[]): boolean {
  return draft.tasks.length !== before.length || draft.tasks.some((task, at) => task !== before[at]);
}
