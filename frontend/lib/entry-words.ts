/** A journal entry as a sentence. Unknown kinds are named as they are. Pure. */

import type { EntryRecord } from "@/lib/api";
import { CACHE_NAMES, hitReason } from "@/lib/cache-words";
import { duration, KIND_LABEL, plural } from "@/lib/format";
import { learnedWords } from "@/lib/learned-words";
import { talkWords, taskWords } from "@/lib/plan-entry-words";
import type { CacheHit, ContextNote, ErrorFacts, Section, Timing, Usage } from "@/lib/protocol";
import { isBoard, recalledWords } from "@/lib/recall-words";
import { freedWords, trimWords } from "@/lib/trim-words";

interface RecalledEntry {
  hits: readonly unknown[];
  missed?: readonly unknown[];
  call_id?: string;
  dense?: boolean;
}

export interface EntryWords {
  what: string;
  detail: string | null;
  tone: "plain" | "good" | "bad";
}

function kindWord(kind: unknown): string {
  return typeof kind === "string" && kind in KIND_LABEL
    ? KIND_LABEL[kind as keyof typeof KIND_LABEL].toLowerCase()
    : String(kind);
}

function plain(what: string, detail: string | null = null): EntryWords {
  return { what, detail, tone: "plain" };
}

export function entryWords({ entry }: EntryRecord): EntryWords {
  switch (entry.type) {
    case "run_started":
      return plain(
        entry.of_run_id ? "You asked again" : "You asked",
        entry.model ? `with ${entry.model}` : null,
      );
    case "route_chosen":
      return plain(
        `Treated as ${kindWord(entry.kind)}`,
        `by ${ROUTE_SOURCE[String(entry.source)] ?? entry.source}`,
      );
    case "route_corrected":
      return plain(`You said it was ${kindWord(entry.kind)}`);
    case "message_started": {
      const tokens = (entry.sections as Section[]).reduce((sum, section) => sum + section.tokens, 0);
      const attempt = entry.attempt === 1 ? "" : `, attempt ${entry.attempt}`;
      const of = entry.task_id ? ` for task ${entry.task_id}` : "";
      return plain(
        `${entry.model} was asked${of}${attempt}`,
        `${plural(tokens, "token")} of prompt, as ${entry.role}`,
      );
    }
    case "context_trimmed": {
      const note = entry as unknown as ContextNote;
      return plain(`Left out: ${trimWords(note)}`, note.detail || freedWords(note));
    }
    case "memories_recalled": {
      const { hits, missed = [], call_id, dense } = entry as unknown as RecalledEntry;
      const of = entry.task_id ? ` for task ${entry.task_id}` : "";
      const how = call_id ? "as it asked" : "as a reminder";
      if (isBoard({ query: String(entry.query), callId: call_id ?? "" }))
        return plain(`The team’s board was read${of}`, plural(hits.length, "entry", "entries"));
      const words = dense === false ? "; by words only" : "";
      return plain(
        `${recalledWords(hits.length, missed.length)}${of}`,
        `${how}, for “${String(entry.query)}”${words}`,
      );
    }
    case "attempt_failed": {
      const error = entry.error as ErrorFacts;
      const wait = typeof entry.retry_in_ms === "number" ? `; again in ${duration(entry.retry_in_ms)}` : "";
      const other = [entry.to_role, entry.to_model].filter(Boolean).join(" with ");
      const next =
        Number(entry.others ?? 0) > 0
          ? "; another endpoint began the answer anew"
          : other === ""
            ? wait
            : `; passed on to ${other}`;
      const of = entry.task_id ? ` of task ${entry.task_id}` : "";
      const at = entry.endpoint ? ` at ${entry.endpoint}` : "";
      return {
        what: `Attempt ${entry.attempt}${of}${at} failed`,
        detail: `${next === "" ? error.message : error.message.replace(/\.$/, "")}${next}`,
        tone: "bad",
      };
    }
    case "message_finished": {
      const { output_tokens = 0 } = entry.usage as Usage;
      const { first_token_ms = 0, total_ms = 0 } = entry.timing as Timing;
      const hit = entry.cache as CacheHit | null | undefined;
      if (hit) return plain(`The answer came ${CACHE_NAMES[hit.source]}`, hitReason(hit));
      return plain(
        ENDINGS[String(entry.finish_reason)] ?? "The answer was complete",
        `${plural(output_tokens, "token")} in ${duration(total_ms)}, the first after ${duration(first_token_ms)}`,
      );
    }
    case "stop_requested":
      return plain(entry.task_id ? `You stopped task ${entry.task_id}` : "You stopped it");
    case "run_finished": {
      const error = entry.error as ErrorFacts | null | undefined;
      if (entry.status === "failed") return { what: "Failed", detail: error?.message ?? null, tone: "bad" };
      if (entry.status === "canceled") return plain("Ended, as you asked");
      return { what: "Done", detail: null, tone: "good" };
    }
    case "pause_requested":
      return plain("You paused it");
    case "resume_requested":
      return plain("You let it go on");
    default:
      return (
        taskWords(entry) ?? talkWords(entry) ?? learnedWords(entry) ?? plain(entry.type.replaceAll("_", " "))
      );
  }
}

const ENDINGS: Record<string, string> = {
  length: "The answer was cut at its length limit",
  stopped: "The answer was cut short",
  budget: "The answer ended where its budget did",
};
const ROUTE_SOURCE: Record<string, string> = {
  examples: "its closest examples",
  user: "your choice",
  default: "default, as no example was close",
};
