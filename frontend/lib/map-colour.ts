/** What the colour of a point on the map says, and the legend to it. Colours are the page's tokens. Pure. */

import { agentColour } from "@/lib/agent-colour";
import type { MapPoint, MemoryKind } from "@/lib/memory-api";
import { MEMORY_KINDS } from "@/lib/memory-query";
import { authorOf, authorWords, KIND_NAMES } from "@/lib/memory-words";

export const COLOURINGS = ["kind", "agent", "age", "uses", "utility"] as const;
export type Colouring = (typeof COLOURINGS)[number];
export const COLOURING_NAMES: Readonly<Record<Colouring, string>> = {
  kind: "Kind",
  agent: "Agent",
  age: "Age",
  uses: "Times used",
  utility: "How it helped",
};

/** A colour, who has it, and how many. `token`: a custom property of the page. */
export interface LegendEntry {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly count: number;
}

interface Bin {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}

const DAY_S = 86_400;
const KIND_TOKENS: Readonly<Record<MemoryKind, string>> = {
  semantic: "--series-1",
  episodic: "--series-2",
  procedural: "--series-3",
  working: "--series-4",
};
const KIND_BINS: readonly Bin[] = MEMORY_KINDS.map((kind) => ({
  id: kind,
  name: KIND_NAMES[kind],
  token: KIND_TOKENS[kind],
}));
const AGES: readonly (Bin & { readonly days: number })[] = [
  { id: "day", name: "Last day", token: "--ramp-5", days: 1 },
  { id: "week", name: "Last week", token: "--ramp-4", days: 7 },
  { id: "month", name: "Last month", token: "--ramp-3", days: 30 },
  { id: "year", name: "Last year", token: "--ramp-2", days: 365 },
  { id: "older", name: "Older", token: "--ramp-1", days: Infinity },
];
const USES: readonly (Bin & { readonly least: number })[] = [
  { id: "often", name: "10 times or more", token: "--ramp-5", least: 10 },
  { id: "some", name: "3 to 9 times", token: "--ramp-4", least: 3 },
  { id: "few", name: "Once or twice", token: "--ramp-3", least: 1 },
  { id: "never", name: "Never", token: "--ramp-1", least: 0 },
];
const HELP: readonly (Bin & { readonly least: number })[] = [
  { id: "much", name: "Helped much", token: "--good", least: 0.5 },
  { id: "helped", name: "Helped", token: "--ramp-4", least: 0.1 },
  { id: "unknown", name: "No word yet", token: "--ramp-1", least: -0.1 },
  { id: "misled", name: "Did not help", token: "--caution", least: -Infinity },
];

function binOf(point: MapPoint, by: Colouring, now: number): Bin | undefined {
  switch (by) {
    case "kind":
      return KIND_BINS.find(({ id }) => id === point.kind);
    case "agent": {
      const author = authorOf(point);
      return { id: author, name: authorWords(author), token: `--agent-${agentColour(author)}` };
    }
    case "age":
      return AGES.find(({ days }) => now / 1000 - point.createdAt < days * DAY_S);
    case "uses":
      return USES.find(({ least }) => point.uses >= least);
    case "utility":
      return HELP.find(({ least }) => point.utility >= least);
  }
}

const ORDER: Readonly<Partial<Record<Colouring, readonly Bin[]>>> = {
  kind: KIND_BINS,
  age: AGES,
  uses: USES,
  utility: HELP,
};

export interface Coloured {
  /** Of each point, in their order: which entry of the legend it is. */
  readonly entries: readonly number[];
  readonly legend: readonly LegendEntry[];
}

/** `now` in ms. Agents stand by how much they remember, all else in its own order. */
export function coloured(points: readonly MapPoint[], by: Colouring, now: number): Coloured {
  const counts = new Map<string, number>();
  const bins = new Map<string, Bin>();
  const ids = points.map((point) => {
    const bin = binOf(point, by, now);
    if (bin === undefined) return "";
    bins.set(bin.id, bin);
    counts.set(bin.id, (counts.get(bin.id) ?? 0) + 1);
    return bin.id;
  });
  const known = [...bins.values()];
  const order = ORDER[by];
  const sorted =
    order?.filter(({ id }) => counts.has(id)) ??
    known.sort((one, other) => (counts.get(other.id) ?? 0) - (counts.get(one.id) ?? 0));
  const legend = sorted.map(({ id, name, token }) => ({ id, name, token, count: counts.get(id) ?? 0 }));
  const place = new Map(legend.map(({ id }, at) => [id, at]));
  return { entries: ids.map((id) => place.get(id) ?? 0), legend };
}
