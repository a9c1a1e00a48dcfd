/** How Alma is, in one word: what the mark in the rail shows. `lib/health-watch.ts` knows it. Knows no React. */

import { writable } from "@/lib/store";

export type Standing = "ok" | "degraded" | "down";

export const standing = writable<Standing>("ok");
