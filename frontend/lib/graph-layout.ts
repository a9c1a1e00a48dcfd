/**
 * Where the nodes of a plan stand, left to right: the run's own agent, its tasks behind what they wait for, and the
 * joined answer. A plan within a plan is laid out inside its task. Pure; knows no state of a task and no screen.
 *
 * Many tasks that wait for the same and are waited for by the same ones are packed into a block of columns, so that
 * a hundred parallel tasks are a field and not a line.
 */

import { Graph, layout } from "@dagrejs/dagre";

export const START = "main";
/** The node of the joined answer; the id of no task. */
export const JOIN = "main/join";

/** What the place of a task depends on. */
export interface GraphTask {
  readonly id: string;
  readonly parentId: string;
  readonly dependsOn: readonly string[];
  readonly replacedBy: string | null;
}

export interface GraphNode {
  readonly id: string;
  readonly kind: "start" | "task" | "group" | "join";
  /** The top left corner and the size, in the plane of the whole graph. A group's card is its upper `CARD` part. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface GraphEdge {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** `split` from the one who plans, `result` along a dependency, `join` into the answer, `instead` to a replacement. */
  readonly kind: "split" | "result" | "join" | "instead";
}

export interface GraphLayout {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly width: number;
  readonly height: number;
  /** Nodes are small, because there are many. */
  readonly compact: boolean;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Place extends Size {
  readonly x: number;
  readonly y: number;
}

const MANY = 24;
/** From this many twins on they are packed. */
const BLOCK = 9;
const ROOMY: Size = { width: 208, height: 76 };
const COMPACT: Size = { width: 168, height: 44 };
const ENDS: Size = { width: 132, height: 76 };
const GAP = { between: 16, ranks: 56, packed: 10 };
const PADDING = 12;

export function cardSize(compact: boolean): Size {
  return compact ? COMPACT : ROOMY;
}

/** Two sets of tasks with the same shape have the same layout; cheap to compare. */
export function shapeOf(tasks: readonly GraphTask[]): string {
  return tasks.map((task) => `${task.id}<${task.dependsOn.join()}>${task.replacedBy ?? ""}`).join(" ");
}

/** Who really stands in for `id`, after all replacements. */
export function standIn(tasks: ReadonlyMap<string, Pick<GraphTask, "replacedBy">>, id: string): string {
  const seen = new Set<string>();
  let at = id;
  for (let next = tasks.get(at)?.replacedBy; next && !seen.has(next); next = tasks.get(at)?.replacedBy) {
    seen.add(at);
    at = next;
  }
  return at;
}

export function layoutPlan(tasks: readonly GraphTask[]): GraphLayout {
  const compact = tasks.length > MANY;
  const children = new Map<string, GraphTask[]>();
  for (const task of tasks) {
    const siblings = children.get(task.parentId);
    if (siblings === undefined) children.set(task.parentId, [task]);
    else siblings.push(task);
  }
  const edges = [...children.values()].flatMap(edgesAmong);
  const inner = arrange(START, children, compact, edges);
  return { nodes: inner.nodes, edges, width: inner.width, height: inner.height, compact };
}

/** The edges between the tasks of one plan; for the run's own plan also those from its start and to its end. */
function edgesAmong(siblings: readonly GraphTask[]): GraphEdge[] {
  const byId = new Map(siblings.map((task) => [task.id, task]));
  const edges: GraphEdge[] = [];
  const edge = (from: string, to: string, kind: GraphEdge["kind"]): void => {
    edges.push({ id: `${from}→${to}`, from, to, kind });
  };
  const waitedFor = new Set<string>();
  const replacements = new Set<string>();
  for (const { id, replacedBy } of siblings) {
    if (replacedBy === null || !byId.has(replacedBy)) continue;
    edge(id, replacedBy, "instead");
    replacements.add(replacedBy);
    waitedFor.add(id);
  }
  const rooted: string[] = [];
  for (const task of siblings) {
    const needs = new Set(task.dependsOn.map((id) => standIn(byId, id)));
    let waits = false;
    for (const from of needs) {
      if (!byId.has(from) || from === task.id) continue;
      edge(from, task.id, "result");
      waitedFor.add(from);
      waits = true;
    }
    if (!waits && !replacements.has(task.id)) rooted.push(task.id);
  }
  if (siblings[0]?.parentId !== START) return edges;
  for (const id of rooted) edge(START, id, "split");
  for (const { id } of siblings) if (!waitedFor.has(id)) edge(id, JOIN, "join");
  return edges;
}

interface Inner extends Size {
  readonly nodes: readonly GraphNode[];
}

/** Lays out the plan of `parentId`, its top left corner at 0, 0. */
function arrange(
  parentId: string,
  children: ReadonlyMap<string, readonly GraphTask[]>,
  compact: boolean,
  edges: readonly GraphEdge[],
): Inner {
  const card = cardSize(compact);
  const siblings = children.get(parentId) ?? [];
  const groups = new Map<string, Inner>();
  const sizes = new Map<string, Size>();
  for (const { id } of siblings) {
    if (!children.has(id)) {
      sizes.set(id, card);
      continue;
    }
    const group = arrange(id, children, compact, edges);
    groups.set(id, group);
    sizes.set(id, {
      width: Math.max(card.width, group.width) + 2 * PADDING,
      height: card.height + group.height + PADDING,
    });
  }
  if (parentId === START) {
    sizes.set(START, ENDS);
    if (siblings.length > 0) sizes.set(JOIN, ENDS);
  }
  const placed = place(sizes, edges);
  const nodes: GraphNode[] = [];
  for (const [id, at] of placed.places) {
    const group = groups.get(id);
    const kind = id === START ? "start" : id === JOIN ? "join" : group === undefined ? "task" : "group";
    nodes.push({ id, kind, ...at });
    for (const node of group?.nodes ?? [])
      nodes.push({ ...node, x: at.x + PADDING + node.x, y: at.y + card.height + node.y });
  }
  return { nodes, width: placed.width, height: placed.height };
}

interface Placed extends Size {
  readonly places: ReadonlyMap<string, Place>;
}

/** Dagre's layered layout of nodes of these sizes; twins are placed as one block and then spread in it. */
function place(sizes: ReadonlyMap<string, Size>, edges: readonly GraphEdge[]): Placed {
  const own = edges.filter(({ from, to }) => sizes.has(from) && sizes.has(to));
  const blocks = twins(sizes, own);
  const blockOf = new Map<string, string>();
  for (const [block, members] of blocks) for (const id of members) blockOf.set(id, block);
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: GAP.between, ranksep: GAP.ranks });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, size] of sizes) {
    const block = blockOf.get(id);
    if (block === undefined) graph.setNode(id, { ...size });
    else if (!graph.hasNode(block)) graph.setNode(block, { ...packedSize(blocks.get(block) ?? [], sizes) });
  }
  for (const { from, to } of own) graph.setEdge(blockOf.get(from) ?? from, blockOf.get(to) ?? to);
  layout(graph);
  const places = new Map<string, Place>();
  let [width, height] = [0, 0];
  for (const id of graph.nodes()) {
    const label = graph.node(id) as Size & { x: number; y: number };
    const [x, y] = [label.x - label.width / 2, label.y - label.height / 2];
    width = Math.max(width, x + label.width);
    height = Math.max(height, y + label.height);
    const members = blocks.get(id);
    if (members === undefined) places.set(id, { x, y, width: label.width, height: label.height });
    else
      for (const [member, at] of spread(members, sizes))
        places.set(member, { ...at, x: x + at.x, y: y + at.y });
  }
  return { places, width, height };
}

/** Nodes of one size that have the same neighbours, where there are enough of them to pack. */
function twins(sizes: ReadonlyMap<string, Size>, edges: readonly GraphEdge[]): Map<string, string[]> {
  const before = new Map<string, string[]>();
  const after = new Map<string, string[]>();
  for (const { from, to } of edges) {
    before.set(to, [...(before.get(to) ?? []), from]);
    after.set(from, [...(after.get(from) ?? []), to]);
  }
  const alike = new Map<string, string[]>();
  for (const [id, { width, height }] of sizes) {
    const key = `${before.get(id)?.sort().join() ?? ""}|${after.get(id)?.sort().join() ?? ""}|${width}×${height}`;
    alike.set(key, [...(alike.get(key) ?? []), id]);
  }
  const packed = [...alike].filter(([, members]) => members.length >= BLOCK);
  return new Map(packed.map(([key, members]) => [`block ${key}`, members]));
}

/** Columns are filled from top to bottom; about as wide as high. */
function columnsOf(count: number, { width, height }: Size): number {
  return Math.max(1, Math.round(Math.sqrt((count * (height + GAP.packed)) / (width + GAP.packed))));
}

function spread(members: readonly string[], sizes: ReadonlyMap<string, Size>): [string, Place][] {
  const size = sizes.get(members[0] ?? "") ?? ROOMY;
  const rows = Math.ceil(members.length / columnsOf(members.length, size));
  return members.map((id, at) => [
    id,
    {
      ...size,
      x: Math.floor(at / rows) * (size.width + GAP.packed),
      y: (at % rows) * (size.height + GAP.packed),
    },
  ]);
}

function packedSize(members: readonly string[], sizes: ReadonlyMap<string, Size>): Size {
  let [width, height] = [0, 0];
  for (const [, at] of spread(members, sizes)) {
    width = Math.max(width, at.x + at.width);
    height = Math.max(height, at.y + at.height);
  }
  return { width, height };
}
