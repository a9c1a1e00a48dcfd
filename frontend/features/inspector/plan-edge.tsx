"use client";

import { BaseEdge, type Edge, type EdgeProps, getBezierPath } from "@xyflow/react";
import { memo } from "react";
import { useColour, useTask } from "@/features/inspector/use-lens";
import { cn } from "@/lib/cn";
import type { GraphEdge } from "@/lib/graph-layout";
import { isOver } from "@/lib/task-state";

export type PlanEdge = Edge<{ kind: GraphEdge["kind"] }>;

/** What flows from one task to the next: in the colour of who wrote it once it is there. */
export const PlanEdgeView = memo(function PlanEdgeView(props: EdgeProps<PlanEdge>) {
  const { source, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, data } = props;
  const task = useTask(source);
  const colour = useColour(task);
  const [path] = getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition });
  const carries = data?.kind === "split" ? task?.plan != null : task?.status === "completed";
  const broken = task !== undefined && isOver(task) && !carries;
  return (
    <BaseEdge
      path={path}
      className={cn("transition-[stroke] duration-150", data?.kind === "instead" && "[stroke-dasharray:2_4]")}
      style={{
        stroke: carries ? `color-mix(in oklch, ${colour} 70%, transparent)` : "var(--input)",
        strokeWidth: carries ? 1.5 : 1,
        strokeDasharray: broken && data?.kind !== "instead" ? "1 5" : undefined,
      }}
      interactionWidth={0}
    />
  );
});
