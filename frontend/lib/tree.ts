/** A thread is a tree of turns; what a person reads is one path through it. Pure. */

export interface TreeNode {
  readonly id: string;
  readonly parentId: string | null;
}

/** Turns in the order in which they came, and who follows whom. `null` is the parent of first turns. */
export interface Tree {
  readonly order: readonly string[];
  readonly parent: ReadonlyMap<string, string | null>;
  readonly children: ReadonlyMap<string | null, readonly string[]>;
}

export const EMPTY_TREE: Tree = { order: [], parent: new Map(), children: new Map() };

export function growTree(tree: Tree, node: TreeNode): Tree {
  if (tree.parent.has(node.id)) return tree;
  const parent = new Map(tree.parent).set(node.id, node.parentId);
  const siblings = tree.children.get(node.parentId) ?? [];
  const children = new Map(tree.children).set(node.parentId, [...siblings, node.id]);
  return { order: [...tree.order, node.id], parent, children };
}

/** A parent that was not sent (older than what the client asked for) makes its child a first turn. */
function parentOf(tree: Tree, id: string): string | null {
  const parent = tree.parent.get(id) ?? null;
  return parent !== null && tree.parent.has(parent) ? parent : null;
}

function firstTurns(tree: Tree): string[] {
  return tree.order.filter((id) => parentOf(tree, id) === null);
}

/** The turns that stand at the same place as `id`, oldest first, itself among them. */
export function siblingsOf(tree: Tree, id: string): readonly string[] {
  const parent = parentOf(tree, id);
  return parent === null ? firstTurns(tree) : (tree.children.get(parent) ?? []);
}

/** The newest turn without a successor, or `null` in an empty tree. */
export function newestLeaf(tree: Tree): string | null {
  for (let at = tree.order.length - 1; at >= 0; at--) {
    const id = tree.order[at];
    if (id !== undefined && !tree.children.has(id)) return id;
  }
  return null;
}

/** From `id` down to a leaf, at every fork along its newest turn. */
export function leafUnder(tree: Tree, id: string): string {
  let leaf = id;
  for (;;) {
    const next = tree.children.get(leaf)?.at(-1);
    if (next === undefined) return leaf;
    leaf = next;
  }
}

/** The path that goes through `through` and on to its newest leaf; without it, the path to the newest leaf. */
export function pathThrough(tree: Tree, through: string | null): string[] {
  const leaf = through !== null && tree.parent.has(through) ? leafUnder(tree, through) : newestLeaf(tree);
  const path: string[] = [];
  for (let id = leaf; id !== null; id = parentOf(tree, id)) path.push(id);
  return path.reverse();
}
