"use client";

import { useEffect, useRef } from "react";
import { useView, useWorkingRun } from "@/hooks/use-session";
import { usePart } from "@/hooks/use-store";
import { go } from "@/lib/location";
import { session } from "@/lib/session";

const WIDE = "(min-width: 1200px)";
/** Runs for which it has opened by itself: once each, and never again once someone has closed it. */
const opened = new Set<string>();
let declined = false;

/** Opens the inspector when a run that is under way is planned, where there is room beside the conversation. */
export function AutoInspect() {
  const { thread, inspect } = useView();
  const working = useWorkingRun(thread);
  const planned = usePart(session.thread(thread ?? ""), (state) => {
    const run = working === null ? undefined : state.runs.get(working);
    return run !== undefined && run.tasks.size > 1;
  });
  const wasOpen = useRef(false);
  useEffect(() => {
    if (wasOpen.current && !inspect && thread !== null) declined = opened.size > 0;
    else if (!wasOpen.current && inspect) declined = false;
    wasOpen.current = inspect;
  }, [inspect, thread]);
  useEffect(() => {
    if (!planned || working === null || inspect || declined || opened.has(working)) return;
    if (!matchMedia(WIDE).matches) return;
    opened.add(working);
    go({ inspect: true }, "replace");
  }, [planned, working, inspect]);
  return null;
}
