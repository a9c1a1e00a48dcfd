/** What an answer from the cache saved, and whose answer it was, in words. Pure. */

import { duration, money, plural, shortDuration } from "@/lib/format";
import type { CacheHit } from "@/lib/protocol";

/** `1,204 tokens · 3.20 s · $0.004`: what making it anew would have taken; `null` where nothing is known of it. */
export function savedWords(hit: CacheHit): string | null {
  const { saved_input_tokens = 0, saved_output_tokens = 0, saved_ms = 0, saved_cost = 0 } = hit;
  const tokens = saved_input_tokens + saved_output_tokens;
  const parts = [
    tokens > 0 ? plural(tokens, "token") : null,
    saved_ms > 0 ? duration(saved_ms) : null,
    saved_cost > 0 ? money(saved_cost) : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(" · ");
}

export const CACHE_NAMES: Readonly<Record<CacheHit["source"], string>> = {
  exact: "from cache",
  semantic: "from cache",
  shared: "shared with another run",
};

/** Why this answer could stand for a new one. */
export function hitReason({ source, question = "", score = 0, age_s = 0 }: CacheHit): string {
  const age = age_s >= 1 ? ` ${shortDuration(age_s * 1000)} ago` : "";
  switch (source) {
    case "exact":
      return `The very same was asked${age || " before"}.`;
    case "semantic":
      return `“${question}” was asked${age || " before"}, and means much the same (similarity ${score.toFixed(2)}).`;
    case "shared":
      return "The very same was under way just then, so both got one answer.";
  }
}

/** What a threshold of similarity lets through, in words; the shares are those of `docs/cache.md`. */
export function thresholdWords(threshold: number): string {
  if (threshold >= 0.95) return "Only the closest: about 4 of 10 questions in other words are recognised.";
  if (threshold >= 0.9) return "Strict: about 7 of 10 questions in other words are recognised.";
  if (threshold >= 0.85)
    return "Balanced: about 8 of 10 in other words are recognised; none was mistaken in the tests.";
  if (threshold >= 0.8)
    return "Generous: about 9 of 10 in other words are recognised; none was mistaken in the tests.";
  return "Loose: about 9 of 10 in other words are recognised, and 1 or 2 of 100 are taken for another question.";
}
