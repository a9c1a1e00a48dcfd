/**
 * A run while a batch of events is folded into it: its maps and lists are copied once, when they are first written to,
 * so that a token costs the same however large the run is.
 */

import type { MessageState } from "@/lib/message-state";
import { type ContextNote, MAIN, type ServerEvent } from "@/lib/protocol";
import type { RunState } from "@/lib/run-state";
import {
  type BoardEntry,
  type CallState,
  newTask,
  type QuestionState,
  type TaskState,
} from "@/lib/task-state";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

interface Kept {
  tasks: TaskState;
  messages: MessageState;
  calls: CallState;
  questions: QuestionState;
  board: BoardEntry;
  trims: readonly ContextNote[];
}
interface Listed {
  mail: RunState["mail"][number];
  history: RunState["history"][number];
  budgets: RunState["budgets"][number];
  recalls: RunState["recalls"][number];
  choices: RunState["choices"][number];
  lessons: RunState["lessons"][number];
  signals: RunState["signals"][number];
}

export class RunDraft {
  /** Written to directly where a field is no map and no list. */
  readonly run: Mutable<RunState>;
  changed = false;
  private readonly maps = new Map<keyof Kept, Map<string, unknown>>();
  private readonly lists = new Map<keyof Listed, unknown[]>();

  constructor(base: RunState) {
    this.run = { ...base };
  }

  put<Field extends keyof Kept>(field: Field, key: string, value: Kept[Field]): void {
    this.own(field).set(key, value);
  }

  remove(field: keyof Kept, key: string): void {
    this.own(field).delete(key);
  }

  append<Field extends keyof Listed>(field: Field, item: Listed[Field]): void {
    let list = this.lists.get(field) as Listed[Field][] | undefined;
    if (list === undefined) {
      list = [...(this.run[field] as readonly Listed[Field][])];
      this.lists.set(field, list);
      Object.assign(this.run, { [field]: list });
    }
    list.push(item);
    this.changed = true;
  }

  /** The task of an event, made if it was in no plan. */
  taskOf(event: ServerEvent): TaskState {
    const id = event.subagentRunId || MAIN;
    return this.run.tasks.get(id) ?? newTask(id);
  }

  putTask(task: TaskState): void {
    this.put("tasks", task.id, task);
  }

  private own<Field extends keyof Kept>(field: Field): Map<string, Kept[Field]> {
    this.changed = true;
    const owned = this.maps.get(field) as Map<string, Kept[Field]> | undefined;
    if (owned !== undefined) return owned;
    const copy = new Map(this.run[field] as unknown as ReadonlyMap<string, Kept[Field]>);
    this.maps.set(field, copy);
    Object.assign(this.run, { [field]: copy });
    return copy;
  }
}
