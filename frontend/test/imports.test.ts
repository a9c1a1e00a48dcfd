import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const LAYERS = ["app", "features", "components", "hooks", "lib"] as const;
type Layer = (typeof LAYERS)[number];

/** What each layer may import of ours. */
const MAY: Record<Layer, readonly Layer[]> = {
  app: ["app", "features", "components", "hooks", "lib"],
  features: ["features", "components", "hooks", "lib"],
  components: ["components", "lib"],
  hooks: ["hooks", "lib"],
  lib: ["lib"],
};

function files(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = `${folder}/${name}`;
    if (statSync(join(ROOT, path)).isDirectory()) return files(path);
    return /\.tsx?$/.test(name) ? [path] : [];
  });
}

function importsOf(path: string): string[] {
  const source = readFileSync(join(ROOT, path), "utf8");
  return [...source.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

const SOURCES = LAYERS.flatMap(files);
const layerOf = (path: string): Layer => path.split("/")[0] as Layer;

describe("the house", () => {
  it("imports point down", () => {
    const wrong = SOURCES.flatMap((path) =>
      importsOf(path)
        .filter((name) => name.startsWith("@/"))
        .filter((name) => !MAY[layerOf(path)].includes(layerOf(name.slice(2))))
        .map((name) => `${path} → ${name}`),
    );
    expect(SOURCES.length).toBeGreaterThan(40);
    expect(wrong).toEqual([]);
  });

  it("imports of ours are absolute", () => {
    expect(SOURCES.filter((path) => importsOf(path).some((name) => name.startsWith(".")))).toEqual([]);
  });

  it("features do not know one another", () => {
    const featureOf = (path: string): string => path.split("/")[1] ?? "";
    const wrong = SOURCES.filter((path) => path.startsWith("features/")).flatMap((path) =>
      importsOf(path)
        .filter((name) => name.startsWith("@/features/") && featureOf(name.slice(2)) !== featureOf(path))
        .map((name) => `${path} → ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it("lib knows no React", () => {
    const wrong = SOURCES.filter(
      (path) =>
        path.startsWith("lib/") && importsOf(path).some((name) => /^(react|next|radix|lucide)/.test(name)),
    );
    expect(wrong).toEqual([]);
  });

  it("no file is longer than 250 lines", () => {
    const long = SOURCES.filter((path) => !path.startsWith("lib/")).filter(
      (path) => readFileSync(join(ROOT, path), "utf8").split("\n").length > 250,
    );
    expect(long).toEqual([]);
  });
});
