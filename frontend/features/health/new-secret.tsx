import { useEffect, useRef } from "react";
import { CopyButton } from "@/components/copy-button";
import { Button } from "@/components/ui/button";
import type { NewAccessToken } from "@/lib/access-api";

/** The token itself. The server does not know it either, so this is the only time. */
export function NewSecret({ token, onDone }: { token: NewAccessToken; onDone: () => void }) {
  const field = useRef<HTMLElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <section
      ref={field}
      tabIndex={-1}
      aria-label={`The new token ${token.name}`}
      data-slot="new-secret"
      className="space-y-3 rounded-lg border border-primary/40 bg-primary-tint p-4 outline-none"
    >
      <p className="text-[13px]">
        <span className="font-medium">{token.name}</span> is made. Copy it now: it is shown this once.
      </p>
      <div className="flex items-center gap-2 rounded-md border bg-background py-1 pr-1 pl-3">
        <code data-slot="secret" className="min-w-0 flex-1 select-all break-all font-mono text-[13px]">
          {token.secret}
        </code>
        <CopyButton text={() => token.secret} label="Copy the token" className="max-sm:size-9" />
      </div>
      <Button size="sm" data-slot="secret-done" className="max-sm:h-9" onClick={onDone}>
        I have it
      </Button>
    </section>
  );
}
