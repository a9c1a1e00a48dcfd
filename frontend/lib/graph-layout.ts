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
  /** `ghost`: a task that another stands in for; `field`: the ground of many like tasks; `group`: a task and its plan. */
  readonly kind: "start" | "task" | "ghost" | "group" | "field" | "join";
  /** The top left corner and the size, in the plane of the whole graph. A group's card is its upper part. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface GraphEdge {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** `split` from the one who plans, `result` along a dependency, `join` into the answer. */
  readonly kind: "split" | "result" | "join";
  /** The tasks whose results flow here. */
  readonly carries: readonly string[];
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
const ROOMY: Size = { width: 164, height: 84 };
const COMPACT: Size = { width: 152, height: 44 };
const GHOST = 26;
const ENDS: Size = { width: 100, height: 56 };
const GAP = { between: 16, ranks: 36, packed: 8, stacked: 4 };
const PADDING = 8;

export function cardSize(compact: boolean): Size {
  return compact ? COMPACT : ROOMY;
}

/** Two sets of tasks with the same shape have the same layout; cheap to compare. */
export function shapeOf(tasks: readonly GraphTask[]): string {
  return tasks.map((task) => `${task.id}<${task.dependsOn.join()}>${task.replacedBy ?? ""}`).join(" ");
}

type Siblings = ReadonlyMap<string, GraphTask>;

/** Who stands in for `id` in the end; itself where nobody does, and where replacements go in a circle. */
function standIn(siblings: Siblings, id: string): string {
  const seen = new Set([id]);
  let at = id;
  for (;;) {
    const next = siblings.get(at)?.replacedBy ?? null;
    if (next === null || !siblings.has(next)) return at;
    if (seen.has(next)) return id;
    seen.add(next);
    at = next;
  }
}

export function layoutPlan(tasks: readonly GraphTask[]): GraphLayout {
  const children = new Map<string, Map<string, GraphTask>>();
  for (const task of tasks) {
    const siblings = children.get(task.parentId);
    if (siblings === undefined) children.set(task.parentId, new Map([[task.id, task]]));
    else siblings.set(task.id, task);
  }
  const compact = tasks.length > MANY;
  return { ...arrange(START, children, compact), compact };
}

/** The edges between the tasks of one plan; for the run's own plan also those from its start and to its end. */
function edgesAmong(siblings: Siblings, parentId: string): GraphEdge[] {
  const edges: GraphEdge[] = [];
  const edge = (from: string, to: string, kind: GraphEdge["kind"]): void => {
    edges.push({ id: `${from}→${to}`, from, to, kind, carries: kind === "split" ? [] : [from] });
  };
  const heads = [...siblings.values()].filter(({ id }) => standIn(siblings, id) === id);
  const waitedFor = new Set<string>();
  const waiting = new Set<string>();
  for (const { id, dependsOn } of heads) {
    for (const from of new Set(dependsOn.map((on) => standIn(siblings, on)))) {
      if (!siblings.has(from) || from === id) continue;
      edge(from, id, "result");
      waitedFor.add(from);
      waiting.add(id);
    }
  }
  if (parentId !== START) return edges;
  for (const { id } of heads) if (!waiting.has(id)) edge(START, id, "split");
  for (const { id } of heads) if (!waitedFor.has(id)) edge(id, JOIN, "join");
  return edges;
}

interface Arranged extends Size {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** Lays out the plan of `parentId`, its top left corner at 0, 0. */
function arrange(
  parentId: string,
  children: ReadonlyMap<string, ReadonlyMap<string, GraphTask>>,
  compact: boolean,
): Arranged {
  const card = cardSize(compact);
  const siblings = children.get(parentId) ?? new Map<string, GraphTask>();
  const inner = new Map<string, Arranged>();
  const sizes = new Map<string, Size>();
  /** Each head with those that it stands in for above it. */
  const stacks = new Map<string, string[]>();
  for (const { id } of siblings.values()) {
    const head = standIn(siblings, id);
    if (head !== id) stacks.set(head, [...(stacks.get(head) ?? []), id]);
    const plan = children.has(id) ? arrange(id, children, compact) : null;
    if (plan !== null) inner.set(id, plan);
    sizes.set(id, sizeOf(plan, head === id ? card : { ...card, height: GHOST }));
  }
  for (const { id } of siblings.values())
    if (standIn(siblings, id) === id) stacks.set(id, [...(stacks.get(id) ?? []), id]);
  if (parentId === START) {
    sizes.set(START, ENDS);
    stacks.set(START, [START]);
    if (siblings.size > 0) {
      sizes.set(JOIN, ENDS);
      stacks.set(JOIN, [JOIN]);
    }
  }
  const own = edgesAmong(siblings, parentId);
  const placed = place(new Map([...stacks].map(([head, stack]) => [head, stackSize(stack, sizes)])), own);
  const nodes: GraphNode[] = placed.fields.map(([id, at]) => ({ id, kind: "field", ...at }));
  for (const [head, at] of placed.places) {
    let { y } = at;
    for (const id of stacks.get(head) ?? []) {
      const size = sizes.get(id) ?? card;
      nodes.push({ id, kind: kindOf(id, inner.has(id), id !== head), x: at.x, y, ...size });
      for (const node of inner.get(id)?.nodes ?? [])
        nodes.push({ ...node, x: at.x + PADDING + node.x, y: y + card.height + PADDING + node.y });
      y += size.height + GAP.stacked;
    }
  }
  const edges = [...placed.edges, ...[...inner.values()].flatMap((plan) => plan.edges)];
  return { nodes, edges, width: placed.width, height: placed.height };
}

function kindOf(id: string, hasPlan: boolean, replaced: boolean): GraphNode["kind"] {
  if (id === START) return "start";
  if (id === JOIN) return "join";
  if (hasPlan) return "group";
  return replaced ? "ghost" : "task";
}

function sizeOf(plan: Size | null, card: Size): Size {
  if (plan === null) return card;
  return {
    width: Math.max(card.width, plan.width + 2 * PADDING),
    height: card.height + plan.height + 2 * PADDING,
  };
}

function stackSize(stack: readonly string[], sizes: ReadonlyMap<string, Size>): Size {
  const members = stack.map((id) => sizes.get(id) ?? ROOMY);
  return {
    width: Math.max(...members.map(({ width }) => width)),
    height: members.reduce((sum, { height }) => sum + height, GAP.stacked * (members.length - 1)),
  };
}

interface Placed extends Size {
  readonly places: ReadonlyMap<string, Place>;
  readonly fields: readonly [string, Place][];
  readonly edges: readonly GraphEdge[];
}

/** Dagre's layered layout of nodes of these sizes; twins are placed as one field and then spread in it. */
function place(sizes: ReadonlyMap<string, Size>, own: readonly GraphEdge[]): Placed {
  const blocks = twins(sizes, own);
  const blockOf = new Map<string, string>();
  for (const [block, members] of blocks) for (const id of members) blockOf.set(id, block);
  const edges = bundled(own, blockOf);
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: GAP.between, ranksep: GAP.ranks });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, size] of sizes) if (!blockOf.has(id)) graph.setNode(id, { ...size });
  for (const [block, members] of blocks) graph.setNode(block, fieldSize(members, sizes));
  // Work that is free to begin stands at the start, whoever waits for it.
  for (const { from, to, kind } of edges) graph.setEdge(from, to, { weight: kind === "split" ? 20 : 1 });
  layout(graph);
  if (isUpsideDown(graph, [...sizes.keys()]))
    for (const id of graph.nodes()) graph.node(id).y = (graph.graph().height ?? 0) - graph.node(id).y;
  const places = new Map<string, Place>();
  const fields: [string, Place][] = [];
  let [width, height] = [0, 0];
  for (const id of graph.nodes()) {
    const label = graph.node(id) as Place;
    const at = {
      x: label.x - label.width / 2,
      y: label.y - label.height / 2,
      width: label.width,
      height: label.height,
    };
    width = Math.max(width, at.x + at.width);
    height = Math.max(height, at.y + at.height);
    const members = blocks.get(id);
    if (members === undefined) {
      places.set(id, at);
      continue;
    }
    fields.push([id, at]);
    for (const [member, spot] of spread(members, sizes))
      places.set(member, { ...spot, x: at.x + spot.x, y: at.y + spot.y });
  }
  return { places, fields, edges, width, height };
}

/** Dagre cares for crossings, not for which is first: seen as a whole, do the first tasks stand below the later ones? */
function isUpsideDown(graph: Graph, order: readonly string[]): boolean {
  const places = order.filter((id) => graph.hasNode(id)).map((id) => graph.node(id) as Place);
  let below = 0;
  for (const [at, first] of places.entries())
    for (const later of places.slice(at + 1))
      if (Math.abs(first.x - later.x) < 1) below += Math.sign(first.y - later.y);
  return below > 0;
}

/** Edges to and from the members of a block become one edge to and from the block. */
function bundled(edges: readonly GraphEdge[], blockOf: ReadonlyMap<string, string>): GraphEdge[] {
  const byId = new Map<string, GraphEdge>();
  for (const edge of edges) {
    const from = blockOf.get(edge.from) ?? edge.from;
    const to = blockOf.get(edge.to) ?? edge.to;
    const id = `${from}→${to}`;
    const carries = new Set([...(byId.get(id)?.carries ?? []), ...edge.carries]);
    byId.set(id, { id, from, to, kind: edge.kind, carries: [...carries] });
  }
  return [...byId.values()];
}

/** Nodes of one size that have the same neighbours, where there are enough of them to pack. */
function twins(sizes: ReadonlyMap<string, Size>, edges: readonly GraphEdge[]): Map<string, string[]> {
  const before = new Map<string, string[]>();
  const after = new Map<string, string[]>();
  const add = (to: Map<string, string[]>, key: string, id: string): void => {
    const known = to.get(key);
    if (known === undefined) to.set(key, [id]);
    else known.push(id);
  };
  for (const { from, to } of edges) {
    add(before, to, from);
    add(after, from, to);
  }
  const alike = new Map<string, string[]>();
  for (const [id, { width, height }] of sizes) {
    const neighbours = `${before.get(id)?.sort().join() ?? ""}|${after.get(id)?.sort().join() ?? ""}`;
    add(alike, `${neighbours}|${width}×${height}`, id);
  }
  const packed = [...alike.values()].filter((members) => members.length >= BLOCK);
  return new Map(packed.map((members) => [`field ${members[0]}`, members]));
}

/** Columns are filled from top to bottom; about as wide as high. */
function columnsOf(count: number, { width, height }: Size): number {
  return Math.max(1, Math.round(Math.sqrt((count * (height + GAP.packed)) / (width + GAP.packed))));
}

/** The places of a field's members within it. */
function spread(members: readonly string[], sizes: ReadonlyMap<string, Size>): [string, Place][] {
  const size = sizes.get(members[0] ?? "") ?? ROOMY;
  const rows = Math.ceil(members.length / columnsOf(members.length, size));
  return members.map((id, at) => [
    id,
    {
      ...size,
      x: PADDING + Math.floor(at / rows) * (size.width + GAP.packed),
      y: PADDING + (at % rows) * (size.height + GAP.packed),
    },
  ]);
}

function fieldSize(members: readonly string[], sizes: ReadonlyMap<string, Size>): Size {
  const spots = spread(members, sizes).map(([, at]) => at);
  return {
    width: Math.max(...spots.map((at) => at.x + at.width)) + PADDING,
    height: Math.max(...spots.map((at) => at.y + at.height)) + PADDING,
  };
}
