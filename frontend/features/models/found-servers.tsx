"use client";

import { useEffect, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { useTask } from "@/hooks/use-task";
import { api, type FoundServer } from "@/lib/api";
import { plural } from "@/lib/format";
import { session } from "@/lib/session";

/** Model servers that run on this machine already: one step to use them. */
export function FoundServers() {
  const [found, setFound] = useState<FoundServer[] | null>(null);
  const looking = useTask();
  const using = useTask();
  const look = (): void => void looking.run(async () => setFound((await api.discover()).found));
  // biome-ignore lint/correctness/useExhaustiveDependencies: looks once, when shown
  useEffect(look, []);
  const use = (server: FoundServer): void =>
    void using.run(async () => {
      const { name, baseUrl, models } = server;
      let list = await api.addEndpoint({ name, baseUrl, models });
      const first = list.models.find((model) => model.endpoint === name);
      if (first !== undefined) list = await api.setDefaultModel(first.id);
      session.models.replace(list);
      session.notices.show(
        first === undefined ? `${name} is connected.` : `${first.name} answers from now on.`,
      );
    });
  if (looking.problem !== null) return <Problem facts={looking.problem} />;
  if (found === null) return <p className="text-[13px] text-faint-foreground">Looking…</p>;
  return (
    <div className="space-y-2">
      {using.problem === null ? null : <Problem facts={using.problem} />}
      {found.map((server) => (
        <div
          key={server.baseUrl}
          data-slot="found-server"
          data-name={server.name}
          className="flex items-center gap-3 border-y py-2.5"
        >
          <div className="min-w-0 flex-1">
            <p className="text-[13px]">{NAMES[server.name] ?? server.name}</p>
            <p className="truncate text-faint-foreground text-xs" title={server.models.join(", ")}>
              {plural(server.models.length, "model")}: {server.models.join(", ")}
            </p>
          </div>
          <Button variant="primary" size="sm" disabled={using.busy} onClick={() => use(server)}>
            Use
          </Button>
        </div>
      ))}
      {found.length === 0 ? (
        <p className="text-[13px] text-muted-foreground">
          None is running.{" "}
          <Button variant="link" size="inline" disabled={looking.busy} onClick={look}>
            Look again
          </Button>
        </p>
      ) : null}
    </div>
  );
}

const NAMES: Record<string, string> = { ollama: "Ollama", lmstudio: "LM Studio", "lm-studio": "LM Studio" };
