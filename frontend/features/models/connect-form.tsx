"use client";

import { type FormEvent, useRef, useState } from "react";
import { Field } from "@/components/field";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { ConnectMore } from "@/features/models/connect-more";
import { EMPTY_DRAFT, type EndpointDraft, PRESETS, toAdd, toTest } from "@/features/models/endpoint-draft";
import { TestResult } from "@/features/models/endpoint-test";
import { useTask } from "@/hooks/use-task";
import { api, type EndpointTest } from "@/lib/api";
import { cn } from "@/lib/cn";
import { fullAddress, parseAliases } from "@/lib/endpoint-words";
import { session } from "@/lib/session";

/** Connects a service by its address and key; it can be tested first. The server asks it for its models before it says yes. */
export function ConnectForm({ onConnected }: { onConnected: (name: string) => void }) {
  const [draft, setDraft] = useState<EndpointDraft>(EMPTY_DRAFT);
  const [test, setTest] = useState<EndpointTest | null>(null);
  const connecting = useTask();
  const testing = useTask();
  const form = useRef<HTMLFormElement>(null);
  const busy = connecting.busy || testing.busy;
  const problem = connecting.problem ?? testing.problem;
  const custom = draft.preset === "custom";
  const meant = fullAddress(draft.baseUrl);
  // What is shown belongs to the newest request, and to what the form holds now.
  const forget = (): void => {
    connecting.forget();
    testing.forget();
    setTest(null);
  };
  const change = (part: Partial<EndpointDraft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    forget();
  };
  const connect = (event: FormEvent): void => {
    event.preventDefault();
    if (parseAliases(draft.aliases).wrong !== null) return;
    forget();
    void connecting.run(async () => {
      const endpoint = toAdd(draft);
      session.models.replace(await api.addEndpoint(endpoint));
      setDraft(EMPTY_DRAFT);
      onConnected(endpoint.name);
    });
  };
  const tryIt = (): void => {
    if (!form.current?.reportValidity()) return;
    forget();
    void testing.run(async (isWanted) => {
      const result = await api.testEndpoint(toTest(draft));
      if (isWanted()) setTest(result);
    });
  };
  return (
    <form ref={form} data-slot="connect-form" onSubmit={connect} className="space-y-3">
      <div role="group" aria-label="Service" className="flex flex-wrap gap-1.5">
        {PRESETS.map((each) => (
          <Button
            key={each.name}
            size="sm"
            aria-pressed={draft.preset === each.name}
            className={cn(
              "rounded-full font-normal",
              draft.preset === each.name && "border-primary bg-primary-tint text-primary",
            )}
            onClick={() => change({ preset: each.name, baseUrl: each.baseUrl })}
          >
            {each.label}
          </Button>
        ))}
      </div>
      <Field label="Address" help={meant === draft.baseUrl.trim() ? undefined : `Asked at ${meant}`}>
        <Input
          inputMode="url"
          required
          pattern="\s*\S+\s*"
          title="An address, such as localhost:8080/v1"
          value={draft.baseUrl}
          onChange={(event) => change({ baseUrl: event.target.value })}
          placeholder={custom ? "localhost:8080/v1, or https://…/v1" : "https://…/v1"}
          spellCheck={false}
        />
      </Field>
      <Field label="Key">
        <Input
          type="password"
          autoComplete="off"
          required={!custom && draft.apiKeyEnv.trim() === ""}
          value={draft.apiKey}
          onChange={(event) => change({ apiKey: event.target.value })}
          placeholder={custom ? "None, if the service asks for none" : "Paste it here"}
        />
      </Field>
      <Field label="Models">
        <Input
          value={draft.models}
          onChange={(event) => change({ models: event.target.value })}
          placeholder="All of them, or a few by name"
          spellCheck={false}
        />
      </Field>
      <ConnectMore draft={draft} change={change} />
      {problem === null ? null : <Problem facts={problem} />}
      {problem === null && test !== null ? <TestResult test={test} /> : null}
      <div className="flex gap-2">
        <Button variant="primary" type="submit" disabled={busy}>
          {connecting.busy ? "Asking for its models…" : "Connect"}
        </Button>
        <Button data-slot="try-endpoint" disabled={busy} onClick={tryIt}>
          {testing.busy ? "Testing…" : "Test"}
        </Button>
      </div>
    </form>
  );
}
