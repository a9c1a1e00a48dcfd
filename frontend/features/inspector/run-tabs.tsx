"use client";

import { Tabs } from "radix-ui";
import { type ComponentType, useState } from "react";
import { CompareTab, counterpartOf } from "@/features/inspector/compare-tab";
import { ContextTab } from "@/features/inspector/context-tab";
import { JournalTab } from "@/features/inspector/journal-tab";
import { MemoryTab } from "@/features/inspector/memory-tab";
import { MessagesTab } from "@/features/inspector/messages-tab";
import { PlanTab } from "@/features/inspector/plan-tab";
import { RunLens } from "@/features/inspector/run-lens";
import { ScrubBar } from "@/features/inspector/scrub-bar";
import { StreamsTab } from "@/features/inspector/streams-tab";
import { TaskDetail } from "@/features/inspector/task-detail";
import { LensProvider } from "@/features/inspector/use-lens";
import { Waterfall } from "@/features/inspector/waterfall";
import { WhyTab } from "@/features/inspector/why-tab";
import { useView } from "@/hooks/use-session";
import { usePart } from "@/hooks/use-store";
import { go } from "@/lib/location";
import { session } from "@/lib/session";

interface Tab {
  readonly id: string;
  readonly label: string;
  readonly View: ComponentType;
  /** A run has it: any, one with a plan, or one of which there is another. */
  readonly of: "any" | "planned" | "twin";
  /** It is as high as the panel and scrolls by itself. */
  readonly fills?: boolean;
  /** The chosen task is shown below it. */
  readonly detail?: boolean;
}

const TABS: readonly Tab[] = [
  { id: "plan", label: "Plan", View: PlanTab, of: "planned", fills: true, detail: true },
  { id: "why", label: "Why", View: WhyTab, of: "any" },
  { id: "timeline", label: "Timeline", View: Waterfall, of: "any", fills: true, detail: true },
  { id: "streams", label: "Streams", View: StreamsTab, of: "planned" },
  { id: "messages", label: "Messages", View: MessagesTab, of: "planned" },
  { id: "context", label: "Context", View: ContextTab, of: "any" },
  { id: "memory", label: "Memory", View: MemoryTab, of: "any" },
  { id: "journal", label: "Journal", View: JournalTab, of: "any" },
  { id: "compare", label: "Compare", View: CompareTab, of: "twin" },
];

/** On a phone the tabs are wider than the screen; the chosen one is shown. */
function intoSight(trigger: HTMLElement | null): void {
  const list = trigger?.parentElement;
  if (!trigger || !list) return;
  const { offsetLeft, offsetWidth } = trigger;
  if (offsetLeft + offsetWidth > list.scrollLeft + list.clientWidth || offsetLeft < list.scrollLeft)
    list.scrollLeft = offsetLeft - (list.clientWidth - offsetWidth) / 2;
}

interface RunTabsProps {
  threadId: string;
  runId: string;
  planned: boolean;
}

/** The ways to look at a run. Which one is in the address. */
export function RunTabs({ threadId, runId, planned }: RunTabsProps) {
  const [lens] = useState(() => new RunLens(threadId, runId));
  const { tab: wanted, task } = useView();
  const known = usePart(session.thread(threadId), (thread) => thread.runs.has(runId));
  const twin = usePart(session.thread(threadId), (thread) => {
    const run = thread.runs.get(runId);
    return run !== undefined && counterpartOf(thread, run) !== null;
  });
  const tabs = TABS.filter(({ of }) => of === "any" || (of === "planned" ? planned : twin));
  const tab = tabs.find(({ id }) => id === wanted) ?? tabs[0];
  if (!known || tab === undefined) return null;
  return (
    <LensProvider value={lens}>
      <Tabs.Root
        value={tab.id}
        onValueChange={(id) => go({ tab: id }, "replace")}
        className="group/tabs flex min-h-0 flex-1 flex-col"
      >
        <Tabs.List
          aria-label="Ways to look at the run"
          className="flex shrink-0 gap-1 overflow-x-auto border-b px-3.5 [scrollbar-width:none]"
        >
          {tabs.map(({ id, label }) => (
            <Tabs.Trigger
              key={id}
              value={id}
              ref={id === tab.id ? intoSight : undefined}
              data-slot={`tab-${id}`}
              className="-mb-px h-8 shrink-0 px-1.5 border-transparent border-b-2 text-[13px] text-muted-foreground outline-offset-[-2px] hover:text-foreground data-[state=active]:border-primary data-[state=active]:text-foreground"
            >
              {label}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <ScrubBar />
        <Tabs.Content
          key={tab.id}
          value={tab.id}
          data-slot={`panel-${tab.id}`}
          className={
            tab.fills
              ? "min-h-0 flex-1 outline-offset-[-2px]"
              : "relative min-h-0 flex-1 overflow-y-auto overscroll-contain outline-offset-[-2px]"
          }
        >
          <tab.View />
        </Tabs.Content>
        {tab.detail && task !== null ? (
          <div
            tabIndex={0}
            role="region"
            aria-label="The chosen task"
            className="h-[52%] shrink-0 overflow-y-auto overscroll-contain border-t outline-offset-[-2px] max-sm:h-[62%]"
          >
            <TaskDetail key={task} taskId={task} />
          </div>
        ) : null}
      </Tabs.Root>
    </LensProvider>
  );
}
