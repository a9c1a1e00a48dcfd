"use client";

import { type ReactNode, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { CachePart } from "@/features/models/cache-part";
import { CatalogList } from "@/features/models/catalog-list";
import { ConnectForm } from "@/features/models/connect-form";
import { EndpointTable } from "@/features/models/endpoint-table";
import { FoundServers } from "@/features/models/found-servers";
import { GgufForm } from "@/features/models/gguf-form";
import { ModelRows } from "@/features/models/model-rows";
import { useAdmin, useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { go } from "@/lib/location";
import { session } from "@/lib/session";

const TABS = [
  { id: "models", label: "Models" },
  { id: "endpoints", label: "Endpoints" },
  { id: "connect", label: "Connect" },
  { id: "download", label: "Download" },
  { id: "cache", label: "Cache" },
] as const;
type Tab = (typeof TABS)[number]["id"];
/** What changes Alma for everybody is for administrators. */
const FOR_ALL: readonly Tab[] = ["models", "endpoints", "cache"];

function show(part: Tab): void {
  go({ part }, "replace");
}

/** Which models there are, and every way to a better one. */
export function ModelsDialog() {
  const { dialog, part } = useView();
  const isAdmin = useAdmin();
  return (
    <Dialog
      open={dialog === "models"}
      onOpenChange={(open) => go({ dialog: open ? "models" : null }, "replace")}
    >
      <DialogContent
        data-slot="models-dialog"
        className={part === "endpoints" ? "sm:w-[min(900px,calc(100vw-32px))]" : undefined}
        title="Models"
        description={
          isAdmin
            ? "Which one answers, and how to connect a stronger one."
            : "Which there are. An administrator of this Alma connects others."
        }
      >
        <Body />
      </DialogContent>
    </Dialog>
  );
}

function Body() {
  const { list, error } = useStore(session.models.state);
  const { part } = useView();
  const [connected, setConnected] = useState<string | null>(null);
  const isAdmin = useAdmin();
  const tabs = TABS.filter(({ id }) => isAdmin || FOR_ALL.includes(id));
  const tab = tabs.find(({ id }) => id === part)?.id ?? (isAdmin && list?.tinyOnly ? "connect" : "models");
  return (
    <>
      <div
        role="tablist"
        aria-label="Models"
        className="flex shrink-0 gap-5 overflow-x-auto border-b px-5 [scrollbar-width:none]"
      >
        {tabs.map(({ id, label }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-selected={tab === id}
            aria-controls={`panel-${id}`}
            data-slot={`tab-${id}`}
            onClick={() => {
              setConnected(null);
              show(id);
            }}
            className={cn(
              "-mb-px h-9 border-transparent border-b-2 text-[13px] text-muted-foreground hover:text-foreground",
              tab === id && "border-primary text-foreground",
            )}
          >
            {label}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`panel-${tab}`}
        aria-labelledby={`tab-${tab}`}
        tabIndex={0}
        className="min-h-0 flex-1 space-y-6 overflow-y-auto px-5 py-4 outline-none sm:min-h-96"
      >
        {error !== null ? (
          <Problem facts={error}>
            <Button size="sm" onClick={() => void session.models.load()}>
              Try again
            </Button>
          </Problem>
        ) : null}
        {tab === "models" && list !== null ? <ModelRows list={list} connected={connected} /> : null}
        {tab === "endpoints" && list !== null ? <EndpointTable list={list} /> : null}
        {tab === "cache" ? <CachePart /> : null}
        {tab === "connect" ? (
          <>
            <Part title="On this machine" what="Ollama and LM Studio, found by themselves.">
              <FoundServers />
            </Part>
            <Part
              title="By its address"
              what="A service or a local server that speaks the OpenAI protocol. A key stays on this machine."
            >
              <ConnectForm
                onConnected={(name) => {
                  setConnected(name);
                  show("models");
                }}
              />
            </Part>
          </>
        ) : null}
        {tab === "download" ? (
          <>
            <Part
              title="Download a model"
              what="Open models that run on this machine, with nothing else beside it."
            >
              <CatalogList />
            </Part>
            <Part title="A file that is already here" what="A GGUF file on the machine that Alma runs on.">
              <GgufForm onUsed={() => show("models")} />
            </Part>
          </>
        ) : null}
      </div>
    </>
  );
}

function Part({ title, what, children }: { title: string; what: string; children: ReactNode }) {
  return (
    <section className="space-y-3">
      <div>
        <h3 className="font-medium text-sm">{title}</h3>
        <p className="text-[13px] text-muted-foreground">{what}</p>
      </div>
      {children}
    </section>
  );
}
