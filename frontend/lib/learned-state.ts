/** What learning had to do with a run: what it chose, which lessons it told, and what its owner said. Pure. */

import { type Choices, type Lessons, MAIN, type Signal } from "@/lib/protocol";

export type ChosenState = Choices & { readonly taskId: string };
export type LessonState = Lessons & { readonly taskId: string };
export type SignalState = Signal & { readonly taskId: string; readonly seq: number };
export type Choice = Choices["choices"][number];

/** Something said that may not be in the journal yet: `since` is how far that was when it was said. */
export interface Saying {
  readonly signal: Signal["signal"];
  readonly value: number;
  readonly reason: string;
  readonly text: string;
  readonly since: number;
}

/** The newest of a kind counts; what was just said does until the journal has it, or something newer. */
export function newestSignal(
  signals: readonly SignalState[],
  name: Signal["signal"],
  taskId: string = MAIN,
  saying: Saying | null = null,
): Pick<Signal, "value" | "reason" | "text"> | null {
  const last = signals.findLast((one) => one.signal === name && one.taskId === taskId);
  if (saying?.signal === name && (last === undefined || last.seq <= saying.since))
    return saying.value === 0 ? null : saying;
  return last === undefined || last.value === 0 ? null : last;
}

/** Whether its owner has said what it is worth. */
export function isSaid(signals: readonly SignalState[]): boolean {
  return (
    newestSignal(signals, "thumb") !== null ||
    newestSignal(signals, "edited") !== null ||
    newestSignal(signals, "preferred") !== null
  );
}
