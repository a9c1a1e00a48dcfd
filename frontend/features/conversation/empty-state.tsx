"use client";

import { ArrowRight } from "lucide-react";
import { KindIcon } from "@/components/kind-icon";
import { useNextModel } from "@/hooks/use-next-model";
import { useStore } from "@/hooks/use-store";
import { composer } from "@/lib/composer-state";
import { findModel, homeOf, modelLabel } from "@/lib/model-list";
import type { Kind } from "@/lib/protocol";
import { session } from "@/lib/session";

const EXAMPLES: readonly { kind: Kind; title: string; text: string }[] = [
  { kind: "creative", title: "A haiku about rain", text: "Write a haiku about rain." },
  {
    kind: "analytical",
    title: "Compare heating with gas and with a heat pump",
    text: "Compare heating a house with gas and with a heat pump: cost, climate, comfort; recommend one.",
  },
  {
    kind: "chat",
    title: "How a rainbow forms, for a ten-year-old",
    text: "Explain how a rainbow forms to a ten-year-old.",
  },
];

/** The first thing a person sees: three tasks to try, and who answers them. */
export function EmptyState() {
  const { list } = useStore(session.models.state);
  const { approve } = useStore(composer);
  const chosen = useNextModel(null);
  const model = findModel(list, chosen) ?? findModel(list, list?.default);
  const start = (text: string): void =>
    session.startRun({ text, kind: null, model: chosen, threadId: null, after: null, approve });
  return (
    <section data-slot="empty-state" className="my-auto py-10">
      <h1 className="text-balance font-semibold text-[26px] leading-8 tracking-[-0.02em]">
        What shall we find out?
      </h1>
      <p className="mt-2 min-h-5 text-muted-foreground text-sm">
        {model === undefined ? null : (
          <>
            <span className="text-foreground">{modelLabel(list, model.id)}</span>{" "}
            {model.kind === "embedded" ? "answers, on this machine." : `answers, by way of ${homeOf(model)}.`}
          </>
        )}
      </p>
      <ul className="mt-8 border-t">
        {EXAMPLES.map(({ kind, title, text }) => (
          <li key={title}>
            <button
              type="button"
              data-slot="example"
              title={text}
              onClick={() => start(text)}
              className="group flex w-full items-center gap-3 border-b py-3.5 text-left text-[15px] transition-colors hover:text-primary"
            >
              <KindIcon
                kind={kind}
                className="size-4 shrink-0 text-faint-foreground transition-colors group-hover:text-primary"
              />
              <span className="flex-1">{title}</span>
              <ArrowRight
                aria-hidden
                className="size-4 text-faint-foreground opacity-0 transition-opacity group-hover:opacity-100 group-focus-visible:opacity-100"
              />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
