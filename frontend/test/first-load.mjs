// Prints what the browser loads of JavaScript before `/` works, gzipped, and fails over the budget.
import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 250 * 1024;
const out = new URL("../out", import.meta.url).pathname;
const html = readFileSync(`${out}/index.html`, "utf8");
const sources = new Set();
for (const [tag] of html.matchAll(/<(?:script|link)\b[^>]*>/g)) {
  if (/\bnomodule\b/i.test(tag)) continue;
  const source = /(?:src|href)="([^"]+\.js)[^"]*"/.exec(tag)?.[1];
  if (source) sources.add(source);
}
let total = 0;
for (const source of sources) {
  const file = `${out}${source}`;
  if (!existsSync(file)) continue;
  const size = gzipSync(readFileSync(file)).length;
  total += size;
  console.log(`${String(size).padStart(8)}  ${source}`);
}
console.log(`${String(total).padStart(8)}  in all, ${(total / 1024).toFixed(1)} KiB of ${BUDGET / 1024}`);
if (total > BUDGET) process.exit(1);
