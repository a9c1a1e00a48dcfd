"use client";

import { Button } from "@/components/ui/button";
import { WorkingDot } from "@/components/ui/working-dot";
import { useNextModel } from "@/hooks/use-next-model";
import { useAdmin } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { go } from "@/lib/location";
import { findModel, modelLabel } from "@/lib/model-list";
import { session } from "@/lib/session";

/** One line over the composer, only when there is something to know about the model that will answer. */
export function ModelNote({ threadId }: { threadId: string | null }) {
  const { list } = useStore(session.models.state);
  const isAdmin = useAdmin();
  const chosen = useNextModel(threadId);
  if (list === null) return null;
  const model = findModel(list, chosen ?? list.default);
  const embedded = model === undefined || model.kind === "embedded";
  const connect = (words: string) =>
    isAdmin && (
      <Button variant="link" size="inline" data-slot="connect-model" onClick={() => go({ dialog: "models" })}>
        {words}
      </Button>
    );
  const frame =
    "flex flex-wrap items-center justify-center gap-x-2 px-2 pb-2.5 text-center text-[13px] text-muted-foreground";
  if (embedded && (list.embedded.state === "starting" || list.embedded.state === "restarting")) {
    return (
      <p data-slot="model-note" data-state={list.embedded.state} role="status" className={frame}>
        <WorkingDot aria-hidden />
        The built-in model is {list.embedded.state}. What you send now is answered as soon as it is ready.
      </p>
    );
  }
  if (list.models.length === 0) {
    return (
      <p data-slot="model-note" data-state="none" className={frame}>
        No model is connected, so nothing can answer yet. {connect("Connect one")}
      </p>
    );
  }
  if (list.tinyOnly || model?.tiny) {
    return (
      <p data-slot="model-note" data-state="tiny" className={frame}>
        <span>
          A tiny model ({model === undefined ? "SmolLM2-135M" : modelLabel(list, model.id)}) is answering: it
          writes English but knows little.
        </span>
        {connect(list.tinyOnly ? "Connect a stronger one" : "Choose a stronger one")}
      </p>
    );
  }
  return null;
}
