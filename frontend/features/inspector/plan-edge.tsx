"use client";

import { BaseEdge, type Edge, type EdgeProps, getBezierPath } from "@xyflow/react";
import { memo } from "react";
import { useColour, useShown, useTask } from "@/features/inspector/use-lens";
import type { GraphEdge } from "@/lib/graph-layout";
import { MAIN } from "@/lib/protocol";
import { isOver } from "@/lib/task-state";

export type PlanEdge = Edge<Pick<GraphEdge, "kind" | "carries">>;

/** What flows from one task to the next: in the colour of who wrote it once it is there. */
export const PlanEdgeView = memo(function PlanEdgeView(props: EdgeProps<PlanEdge>) {
  const { sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, data } = props;
  const { kind = "split", carries = [] } = data ?? {};
  const from = carries.length === 1 ? carries[0] : kind === "split" ? MAIN : undefined;
  const colour = useColour(useTask(from ?? ""));
  const flow = useShown((run) => {
    if (kind === "split") return run.tasks.get(MAIN)?.plan?.decided === false ? "none" : "there";
    const tasks = carries.map((id) => run.tasks.get(id));
    if (tasks.every((task) => task?.status === "completed")) return "there";
    return tasks.every((task) => task !== undefined && isOver(task)) ? "none" : "awaited";
  });
  const [path] = getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition });
  const stroke = from === undefined ? "var(--muted-foreground)" : colour;
  return (
    <BaseEdge
      path={path}
      className="transition-[stroke] duration-150"
      style={{
        stroke: flow === "there" ? `color-mix(in oklch, ${stroke} 65%, transparent)` : "var(--input)",
        strokeWidth: flow === "there" ? 1.5 : 1,
        strokeDasharray: flow === "none" ? "1 5" : undefined,
      }}
      interactionWidth={0}
    />
  );
});
