"use client";

import { ReactFlow, ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { Maximize2, Minus, Plus } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef } from "react";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { MessageDots } from "@/features/inspector/message-dots";
import { type PlanEdge, PlanEdgeView } from "@/features/inspector/plan-edge";
import { type PlanNode, PlanNodeView } from "@/features/inspector/plan-nodes";
import { useWhole } from "@/features/inspector/use-lens";
import { type GraphLayout, type GraphNode, type GraphTask, layoutPlan, shapeOf } from "@/lib/graph-layout";
import { taskOrder } from "@/lib/lanes";
import { MAIN } from "@/lib/protocol";
import type { TaskState } from "@/lib/task-state";
import "@xyflow/react/dist/base.css";

const NODES = { plan: PlanNodeView };
const EDGES = { plan: PlanEdgeView };
/** A few tasks stay readable, even if one has to pan; of many the shape is seen first. */
const fitting = (compact: boolean) =>
  ({ padding: "16px", maxZoom: 1.15, minZoom: compact ? 0.1 : 0.5 }) as const;

function graphTasks(tasks: ReadonlyMap<string, TaskState>): GraphTask[] {
  return taskOrder(tasks)
    .filter((task) => task.id !== MAIN)
    .map(({ id, parentId, spec, replacedBy }) => ({
      id,
      parentId: parentId ?? MAIN,
      dependsOn: spec?.depends_on ?? [],
      replacedBy,
    }));
}

/** The layout is made anew only when the plan has another shape, not when a task goes on. */
function useLayout(): GraphLayout {
  const tasks = useWhole((run) => run.tasks);
  const last = useRef<{ shape: string; layout: GraphLayout } | null>(null);
  const graph = graphTasks(tasks ?? new Map());
  const shape = shapeOf(graph);
  if (last.current?.shape !== shape) last.current = { shape, layout: layoutPlan(graph) };
  return last.current.layout;
}

/** The live graph of the plan, left to right. */
export function PlanGraph() {
  return (
    <ReactFlowProvider>
      <Graph />
    </ReactFlowProvider>
  );
}

function Graph() {
  const layout = useLayout();
  const frame = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  const flow = useReactFlow();
  const nodes = useMemo(
    () =>
      layout.nodes.map(({ id, kind, x, y, width, height }): PlanNode => {
        const data = { kind, compact: layout.compact };
        return {
          id,
          type: "plan",
          position: { x, y },
          width,
          height,
          data,
          zIndex: kind === "group" || kind === "field" ? 0 : 1,
        };
      }),
    [layout],
  );
  const edges = useMemo(
    () =>
      layout.edges.map(({ id, from, to, kind, carries }): PlanEdge => {
        return { id, type: "plan", source: from, target: to, data: { kind, carries }, focusable: false };
      }),
    [layout],
  );
  useEffect(() => {
    const fit = (): void => {
      if (!moved.current) void flow.fitView(fitting(layout.compact));
    };
    const watch = new ResizeObserver(fit);
    if (frame.current !== null) watch.observe(frame.current);
    const frameId = requestAnimationFrame(fit);
    return () => {
      watch.disconnect();
      cancelAnimationFrame(frameId);
    };
  }, [flow, layout]);
  const whole = (): void => {
    moved.current = false;
    void flow.fitView({ ...fitting(layout.compact), minZoom: 0.1 });
  };
  const zoom = (way: 1 | -1): void => {
    moved.current = true;
    void (way === 1 ? flow.zoomIn() : flow.zoomOut());
  };
  return (
    <div
      ref={frame}
      data-slot="plan-graph"
      role="group"
      aria-label="The plan as a graph; the arrow keys go from task to task"
      className="absolute inset-0"
      onKeyDown={(event) => walk(event, layout.nodes)}
    >
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODES}
        edgeTypes={EDGES}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        deleteKeyCode={null}
        panOnScroll
        minZoom={0.1}
        maxZoom={2}
        zoomOnDoubleClick={false}
        fitView
        fitViewOptions={fitting(layout.compact)}
        onMoveStart={(event) => {
          if (event !== null) moved.current = true;
        }}
        proOptions={{ hideAttribution: true }}
      >
        <MessageDots layout={layout} />
      </ReactFlow>
      <div className="absolute right-2 bottom-2 flex rounded-md bg-background/85">
        <Tooltip label="Smaller">
          <Button variant="ghost" size="icon-sm" aria-label="Smaller" onClick={() => zoom(-1)}>
            <Minus aria-hidden />
          </Button>
        </Tooltip>
        <Tooltip label="Larger">
          <Button variant="ghost" size="icon-sm" aria-label="Larger" onClick={() => zoom(1)}>
            <Plus aria-hidden />
          </Button>
        </Tooltip>
        <Tooltip label="All of it">
          <Button variant="ghost" size="icon-sm" aria-label="Show all of the plan" onClick={whole}>
            <Maximize2 aria-hidden />
          </Button>
        </Tooltip>
      </div>
    </div>
  );
}

const WAYS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The arrow keys move the focus to the nearest node on that side. */
function walk(event: KeyboardEvent<HTMLElement>, nodes: readonly GraphNode[]): void {
  const way = WAYS[event.key];
  const wrapper = event.target instanceof Element ? event.target.closest(".react-flow__node") : null;
  const here = nodes.find(({ id }) => id === wrapper?.getAttribute("data-id"));
  if (way === undefined || here === undefined) return;
  event.preventDefault();
  const [dx, dy] = way;
  let best: { id: string; cost: number } | null = null;
  for (const node of nodes) {
    const x = node.x + node.width / 2 - here.x - here.width / 2;
    const y = node.y + node.height / 2 - here.y - here.height / 2;
    const along = x * dx + y * dy;
    if (node.id === here.id || node.kind === "field" || along <= 0) continue;
    const cost = along + 3 * Math.abs(x * dy + y * dx);
    if (best === null || cost < best.cost) best = { id: node.id, cost };
  }
  if (best === null) return;
  const target = event.currentTarget.querySelector(
    `.react-flow__node[data-id="${CSS.escape(best.id)}"] button`,
  );
  if (target instanceof HTMLElement) target.focus();
}
