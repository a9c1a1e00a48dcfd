"use client";

import { useEffect, useRef, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { useTask } from "@/hooks/use-task";
import { api } from "@/lib/api";
import { session } from "@/lib/session";

/** Lets the built-in model be another file. */
export function GgufForm({ onUsed }: { onUsed: () => void }) {
  const [path, setPath] = useState("");
  const { busy, problem, run } = useTask();
  const trouble = useRef<HTMLDivElement>(null);
  // On a small screen the form is at the lower edge, and what went wrong would be below it.
  useEffect(() => {
    if (problem !== null) trouble.current?.scrollIntoView({ block: "nearest" });
  }, [problem]);
  return (
    <form
      data-slot="gguf-form"
      className="space-y-3"
      onSubmit={(event) => {
        event.preventDefault();
        void run(async () => {
          session.models.replace(await api.loadGguf(path.trim()));
          onUsed();
        });
      }}
    >
      <div className="flex gap-2">
        <Input
          aria-label="Path of the GGUF file"
          required
          value={path}
          onChange={(event) => setPath(event.target.value)}
          placeholder="/models/qwen3-8b-q4.gguf"
          spellCheck={false}
          className="font-mono"
        />
        <Button type="submit" disabled={busy} className="max-sm:h-10">
          {busy ? "Loading…" : "Use"}
        </Button>
      </div>
      {problem === null ? null : <Problem ref={trouble} facts={problem} />}
    </form>
  );
}
