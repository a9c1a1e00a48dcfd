"use client";

import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { memo } from "react";
import { EndCard } from "@/features/inspector/end-card";
import { TaskCard } from "@/features/inspector/task-card";
import { cardSize, type GraphNode, JOIN, START } from "@/lib/graph-layout";

export type PlanNode = Node<{ compact: boolean; kind: GraphNode["kind"] }>;

/** A node of the plan: a task, a task with a plan of its own below it, the ground of many, or an end of the run. */
export const PlanNodeView = memo(function PlanNodeView({ id, data }: NodeProps<PlanNode>) {
  const { compact, kind } = data;
  const look = compact ? "compact" : "roomy";
  switch (kind) {
    case "start":
    case "join":
      return (
        <>
          <Ports id={id} />
          <EndCard join={kind === "join"} />
        </>
      );
    case "field":
      return (
        <>
          <Ports id={id} />
          <div className="size-full rounded-lg bg-muted/50" />
        </>
      );
    case "group": {
      const { height } = cardSize(compact);
      return (
        <>
          <Ports id={id} top={height / 2} />
          <div className="size-full rounded-md bg-muted/70">
            <div style={{ height }}>
              <TaskCard taskId={id} look={look} />
            </div>
          </div>
        </>
      );
    }
    case "task":
    case "ghost":
      return (
        <>
          <Ports id={id} />
          <TaskCard taskId={id} look={kind === "ghost" ? "ghost" : look} />
        </>
      );
  }
});

/** Where edges begin and end; nobody draws any, so they are not seen. */
function Ports({ top, id }: { top?: number; id: string }) {
  const style = { top, opacity: 0, pointerEvents: "none" } as const;
  return (
    <>
      {id === START ? null : (
        <Handle type="target" position={Position.Left} isConnectable={false} style={style} />
      )}
      {id === JOIN ? null : (
        <Handle type="source" position={Position.Right} isConnectable={false} style={style} />
      )}
    </>
  );
}
