import { api } from "@/lib/api";
import { addressOf, go, HOME, type View } from "@/lib/location";
import type { BehindRun } from "@/lib/metrics-api";

const viewOf = ({ threadId, runId }: BehindRun): View => ({
  ...HOME,
  thread: threadId,
  run: runId,
  inspect: true,
});

export function runAddress(run: BehindRun): string {
  return addressOf(viewOf(run));
}

/** The run in its chat, with the inspector open: at the call that the number is read from, if it is of one. */
export async function openRun(run: BehindRun): Promise<void> {
  const call = run.seq > 0 ? await callOf(run) : null;
  go({ ...viewOf(run), ...(call ?? {}) });
}

/** Which task and call the entry is of. Without an answer the run is all that can be opened. */
async function callOf({ runId, seq }: BehindRun): Promise<Partial<View> | null> {
  try {
    const { entries } = await api.entries(runId, seq - 1);
    const found = entries.find((each) => each.seq === seq);
    if (found === undefined) return null;
    const { message_id: message, task_id: task } = found.entry;
    if (typeof message !== "string") return null;
    return { task: typeof task === "string" ? task : null, call: message, tab: "context" };
  } catch {
    return null;
  }
}
