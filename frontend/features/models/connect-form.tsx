"use client";

import { type FormEvent, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { useTask } from "@/features/models/use-task";
import { api } from "@/lib/api";
import { cn } from "@/lib/cn";
import { session } from "@/lib/session";

const PRESETS = [
  { name: "openai", label: "OpenAI", baseUrl: "https://api.openai.com/v1" },
  { name: "anthropic", label: "Anthropic", baseUrl: "https://api.anthropic.com/v1" },
  { name: "gemini", label: "Gemini", baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai" },
  { name: "openrouter", label: "OpenRouter", baseUrl: "https://openrouter.ai/api/v1" },
  { name: "custom", label: "Another", baseUrl: "" },
] as const;

/** Connects a service by its address and key. The server asks it for its models before it says yes. */
export function ConnectForm({ onConnected }: { onConnected: () => void }) {
  const [preset, setPreset] = useState<string>("openai");
  const [baseUrl, setBaseUrl] = useState<string>(PRESETS[0].baseUrl);
  const [apiKey, setApiKey] = useState("");
  const [model, setModel] = useState("");
  const { busy, problem, run } = useTask();
  const choose = (name: string, address: string): void => {
    setPreset(name);
    setBaseUrl(address);
  };
  const connect = (event: FormEvent): void => {
    event.preventDefault();
    void run(async () => {
      const name = preset === "custom" ? nameOf(baseUrl) : preset;
      const models = model
        .split(",")
        .map((each) => each.trim())
        .filter((each) => each !== "");
      const list = await api.addEndpoint({
        name,
        baseUrl: baseUrl.trim(),
        ...(apiKey === "" ? {} : { apiKey }),
        ...(models.length === 0 ? {} : { models }),
      });
      session.models.replace(list);
      setApiKey("");
      onConnected();
    });
  };
  return (
    <form data-slot="connect-form" onSubmit={connect} className="space-y-3">
      <div role="group" aria-label="Service" className="flex flex-wrap gap-1.5">
        {PRESETS.map((each) => (
          <Button
            key={each.name}
            size="sm"
            aria-pressed={preset === each.name}
            className={cn(
              "rounded-full font-normal",
              preset === each.name && "border-primary bg-primary-tint text-primary",
            )}
            onClick={() => choose(each.name, each.baseUrl)}
          >
            {each.label}
          </Button>
        ))}
      </div>
      <Field label="Address">
        <Input
          type="url"
          required
          value={baseUrl}
          onChange={(event) => setBaseUrl(event.target.value)}
          placeholder="https://…/v1"
          spellCheck={false}
        />
      </Field>
      <Field label="Key">
        <Input
          type="password"
          autoComplete="off"
          required={preset !== "custom"}
          value={apiKey}
          onChange={(event) => setApiKey(event.target.value)}
          placeholder={preset === "custom" ? "None, if the service asks for none" : "Paste it here"}
        />
      </Field>
      <Field label="Models">
        <Input
          value={model}
          onChange={(event) => setModel(event.target.value)}
          placeholder="All of them, or a few by name"
          spellCheck={false}
        />
      </Field>
      {problem === null ? null : <Problem facts={problem} />}
      <Button variant="primary" type="submit" disabled={busy}>
        {busy ? "Asking for its models…" : "Connect"}
      </Button>
    </form>
  );
}

function Field({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child
    <label className="grid items-center gap-x-3 gap-y-1 sm:grid-cols-[72px_1fr]">
      <span className="text-[13px] text-muted-foreground">{label}</span>
      {children}
    </label>
  );
}

/** A name for a service, from its address: `https://llm.example.org/v1` → `llm-example-org`. */
function nameOf(address: string): string {
  try {
    return new URL(address).host.replace(/[^a-z0-9]+/gi, "-").toLowerCase();
  } catch {
    return "custom";
  }
}
