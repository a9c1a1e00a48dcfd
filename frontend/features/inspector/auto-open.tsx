"use client";

import { useEffect, useRef } from "react";
import { useView, useWorkingRun } from "@/hooks/use-session";
import { usePart } from "@/hooks/use-store";
import { isDeclined, setDeclined } from "@/lib/declined";
import { go } from "@/lib/location";
import { session } from "@/lib/session";

const WIDE = "(min-width: 1200px)";
/** Runs for which it has opened by itself: once each. */
const opened = new Set<string>();

/**
 * Opens the inspector when a run that is under way is planned, where there is room beside the conversation; not in a
 * chat in which it was closed, until it is opened there by hand.
 */
export function AutoInspect() {
  const { thread, inspect } = useView();
  const working = useWorkingRun(thread);
  const planned = usePart(session.thread(thread ?? ""), (state) => {
    const run = working === null ? undefined : state.runs.get(working);
    return run !== undefined && run.tasks.size > 1;
  });
  const before = useRef({ thread, inspect });
  useEffect(() => {
    const was = before.current;
    before.current = { thread, inspect };
    // In another chat nobody has closed or opened anything.
    if (thread === null || was.thread !== thread || was.inspect === inspect) return;
    setDeclined(thread, !inspect);
  }, [inspect, thread]);
  useEffect(() => {
    if (!planned || working === null || thread === null || inspect) return;
    if (isDeclined(thread) || opened.has(working) || !matchMedia(WIDE).matches) return;
    opened.add(working);
    go({ inspect: true, tab: "plan" }, "replace");
  }, [planned, working, thread, inspect]);
  return null;
}
