"use client";

import { Layers } from "lucide-react";
import { useState } from "react";
import { HintText } from "@/components/hint-text";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { ProbeGrades } from "@/features/models/probe-grades";
import { useAdmin } from "@/hooks/use-session";
import { useTask } from "@/hooks/use-task";
import { api, type ModelInfo, type ModelList, type ProbeReport } from "@/lib/api";
import { cn } from "@/lib/cn";
import { priceWords } from "@/lib/endpoint-words";
import { count, plural } from "@/lib/format";
import { POOL, shortModel } from "@/lib/model-list";
import { session } from "@/lib/session";

interface ModelRowsProps {
  list: ModelList;
  /** The endpoint that has just been connected. */
  connected: string | null;
}

/** The models by endpoint, with the state of each endpoint. */
export function ModelRows({ list, connected }: ModelRowsProps) {
  const pooled = list.models.filter((model) => model.endpoint === POOL);
  const orphans = list.models.filter(
    (model) => model.endpoint !== POOL && !list.endpoints.some(({ name }) => name === model.endpoint),
  );
  return (
    <div className="space-y-5">
      {STATE_WORDS[list.embedded.state] === undefined ? null : (
        <p
          data-slot="embedded-state"
          data-state={list.embedded.state}
          className="text-[13px] text-muted-foreground"
        >
          The built-in model {STATE_WORDS[list.embedded.state]}
          {list.embedded.file ? ` (${list.embedded.file.split("/").at(-1)})` : ""}.{" "}
          {list.embedded.detail ? <HintText text={list.embedded.detail} /> : null}
        </p>
      )}
      {pooled.length === 0 ? null : (
        <section data-slot="pool">
          <div className="flex items-center gap-2 border-b pb-1.5">
            <Layers aria-hidden className="size-3.5 text-muted-foreground" />
            <h3 className="font-medium text-[13px]">Pools</h3>
            <span className="min-w-0 flex-1 truncate text-faint-foreground text-xs">
              of endpoints with the same model: one that is free answers; if it fails, another begins the
              answer anew
            </span>
          </div>
          <Rows list={list} models={pooled} />
        </section>
      )}
      {list.endpoints
        .filter(({ name }) => name !== POOL)
        .map((endpoint) => (
          <section
            key={endpoint.name}
            data-slot="endpoint"
            data-endpoint={endpoint.name}
            data-state={endpoint.state}
            ref={endpoint.name === connected ? intoSight : undefined}
            className={cn(endpoint.name === connected && "-mx-2 rounded-md px-2 py-2 ring-2 ring-primary/40")}
          >
            {endpoint.name === connected ? <Connected list={list} name={connected} /> : null}
            <div className="flex items-center gap-2 border-b pb-1.5">
              <span aria-hidden className={cn("size-2 rounded-full", DOT[endpoint.state] ?? "bg-input")} />
              <h3 className="font-medium text-[13px]">{endpoint.name}</h3>
              <span className="min-w-0 flex-1 truncate text-faint-foreground text-xs">
                {endpoint.state === "ready" ? (
                  endpoint.baseUrl
                ) : (
                  <HintText text={endpoint.detail || endpoint.state} />
                )}
              </span>
            </div>
            <Rows list={list} models={list.models.filter((model) => model.endpoint === endpoint.name)} />
          </section>
        ))}
      {orphans.length > 0 ? <Rows list={list} models={orphans} /> : null}
    </div>
  );
}

function intoSight(section: HTMLElement | null): void {
  section?.scrollIntoView({ block: "nearest" });
}

function Connected({ list, name }: { list: ModelList; name: string }) {
  const models = list.models.filter((model) => model.endpoint === name);
  const isDefault = models.some(({ id }) => id === list.default);
  return (
    <p data-slot="connected" role="status" className="pb-2 text-[13px]">
      {name} is connected, with {plural(models.length, "model")}.
      {isDefault || models.length === 0 ? "" : " “Use” makes one of them the default."}
    </p>
  );
}

const DOT: Record<string, string> = {
  ready: "bg-good",
  starting: "bg-caution",
  down: "bg-destructive",
};
const STATE_WORDS: Record<string, string> = {
  ready: "is ready",
  starting: "is starting",
  restarting: "is restarting",
};

function Rows({ list, models }: { list: ModelList; models: ModelInfo[] }) {
  return (
    <ul className="divide-y">
      {models.map((model) => (
        <ModelRow key={model.id} model={model} isDefault={model.id === list.default} />
      ))}
      {models.length === 0 ? (
        <li className="py-2 text-[13px] text-muted-foreground">No models here.</li>
      ) : null}
    </ul>
  );
}

function ModelRow({ model, isDefault }: { model: ModelInfo; isDefault: boolean }) {
  const isAdmin = useAdmin();
  const [report, setReport] = useState<ProbeReport | null>(null);
  const { busy, problem, run } = useTask();
  const price = priceWords(model.price);
  const test = (): void => void run(async () => setReport(await api.testModel(model.id)));
  const use = (): void => void run(async () => session.models.replace(await api.setDefaultModel(model.id)));
  return (
    <li
      data-slot="model-row"
      data-model={model.id}
      data-default={isDefault || undefined}
      className="space-y-3 py-2.5"
    >
      <div className="flex items-center gap-2">
        <div className="min-w-0 flex-1">
          <p className="truncate text-[13px]">{model.endpoint === POOL ? model.id : shortModel(model.id)}</p>
          <p className="text-faint-foreground text-xs tabular-nums">
            {model.contextWindow > 0
              ? `${count(model.contextWindow)} tokens of context`
              : "Context window unknown"}
            {model.tiny ? ", tiny" : ""}
            {price === null ? "" : ` · ${price} per million`}
            {model.members.length > 0 ? ` · ${model.members.join(", ")}` : ""}
          </p>
        </div>
        {isAdmin ? (
          <Button variant="ghost" size="sm" data-slot="test-model" disabled={busy} onClick={test}>
            {busy ? "Working…" : "Test"}
          </Button>
        ) : null}
        {isDefault ? (
          <span className="w-20 text-center text-primary text-xs">Default</span>
        ) : !isAdmin ? null : (
          <Button size="sm" data-slot="use-model" className="w-20" disabled={busy} onClick={use}>
            Use
          </Button>
        )}
      </div>
      {problem === null ? null : <Problem facts={problem} />}
      {report === null ? null : <ProbeGrades report={report} />}
    </li>
  );
}
