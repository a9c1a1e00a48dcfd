import { Check } from "lucide-react";
import { Problem } from "@/components/problem";
import type { EndpointTest } from "@/lib/api";
import { duration, plural, rate } from "@/lib/format";

/** What one small call to an endpoint came to. */
export function TestResult({ test }: { test: EndpointTest }) {
  if (test.error !== null) return <Problem facts={test.error} data-slot="test-result" data-ok="false" />;
  return (
    <div
      data-slot="test-result"
      data-ok={test.ok}
      role="status"
      className="flex gap-3 rounded-lg bg-muted/60 p-3 text-[13px]"
    >
      <Check aria-hidden className="mt-0.5 size-4 shrink-0 text-good" />
      <div className="min-w-0 space-y-0.5">
        <p className="tabular-nums">
          {test.model} answered: first token after {duration(test.firstTokenMs)}
          {test.tokensPerS > 0 ? `, ${rate(test.tokensPerS)} tokens/s` : ""}.
        </p>
        {test.said.trim() === "" ? null : (
          <p className="line-clamp-2 break-words text-muted-foreground">“{test.said.trim()}”</p>
        )}
        <p className="truncate text-faint-foreground text-xs" title={test.models.join(", ")}>
          {plural(test.models.length, "model")}: {test.models.join(", ")}
        </p>
      </div>
    </div>
  );
}
