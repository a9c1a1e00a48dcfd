"use client";

import { useEffect, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { useStore } from "@/hooks/use-store";
import { useTask } from "@/hooks/use-task";
import { api, type Catalog, type CatalogModel } from "@/lib/api";
import { bytes } from "@/lib/format";
import type { PullProgress } from "@/lib/protocol";
import { session } from "@/lib/session";

/** Models that can be had by one download; those that this machine can hold come first. */
export function CatalogList() {
  const [catalog, setCatalog] = useState<Catalog | null>(null);
  const { problem, run } = useTask();
  const { pulls } = useStore(session.models.state);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once, when shown
  useEffect(() => void run(async () => setCatalog(await api.catalog())), []);
  if (problem !== null) return <Problem facts={problem} />;
  if (catalog === null) return <p className="text-[13px] text-faint-foreground">Loading…</p>;
  const models = [...catalog.models].sort((a, b) => Number(b.fits) - Number(a.fits));
  const pullOf = (model: CatalogModel): PullProgress | undefined =>
    Object.values(pulls).findLast((pull) => pull.file === model.file);
  return (
    <div>
      <p className="pb-2 text-faint-foreground text-xs tabular-nums">
        This machine has {bytes(catalog.ramBytes)} of memory.
      </p>
      <ul className="divide-y border-y">
        {models.map((model) => (
          <CatalogRow key={model.repo + model.file} model={model} pull={pullOf(model)} />
        ))}
      </ul>
    </div>
  );
}

function CatalogRow({ model, pull }: { model: CatalogModel; pull: PullProgress | undefined }) {
  const { busy, problem, run } = useTask();
  const running = pull?.state === "running";
  const start = (): void => void run(async () => void (await api.pull(model.repo, model.file)));
  const cancel = (): void => {
    if (pull !== undefined) void run(() => api.cancelPull(pull.id));
  };
  return (
    <li data-slot="catalog-model" data-file={model.file} className="space-y-2 py-2.5">
      <div className="flex items-center gap-3">
        <div className="min-w-0 flex-1">
          <p className="text-[13px]">{model.name}</p>
          <p className="text-muted-foreground text-xs">{model.note}</p>
          <p className="text-faint-foreground text-xs tabular-nums">
            {bytes(model.sizeBytes)} to download, {bytes(model.ramBytes)} of memory, {model.licence}
          </p>
        </div>
        {running ? (
          <Button size="sm" variant="ghost" disabled={busy} onClick={cancel}>
            Cancel
          </Button>
        ) : pull?.state === "done" ? (
          <span className="text-good text-xs">Ready</span>
        ) : (
          <Button size="sm" disabled={busy || !model.fits} onClick={start}>
            {model.fits ? "Download" : "Too big"}
          </Button>
        )}
      </div>
      {running ? <Progress pull={pull} /> : null}
      {problem === null ? null : <Problem facts={problem} />}
      {pull?.state === "failed" && pull.error ? <Problem facts={pull.error} /> : null}
    </li>
  );
}

function Progress({ pull }: { pull: PullProgress }) {
  const total = pull.totalBytes ?? 0;
  const share = total > 0 ? pull.doneBytes / total : 0;
  return (
    <div className="flex items-center gap-3 text-faint-foreground text-xs tabular-nums">
      <div
        role="progressbar"
        aria-label={`Downloading ${pull.file}`}
        aria-valuenow={Math.round(share * 100)}
        aria-valuemin={0}
        aria-valuemax={100}
        className="h-1 flex-1 overflow-hidden rounded-full bg-muted"
      >
        <div
          className="h-full origin-left rounded-full bg-primary transition-transform"
          style={{ transform: `scaleX(${share})` }}
        />
      </div>
      {bytes(pull.doneBytes)}
      {total > 0 ? ` of ${bytes(total)}` : ""}
    </div>
  );
}
