"use client";

import { type ReactNode, useState } from "react";
import { ConfirmButton } from "@/components/confirm-button";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { TestResult } from "@/features/models/endpoint-test";
import { useAdmin } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { useTask } from "@/hooks/use-task";
import { api, type EndpointInfo, type EndpointTest } from "@/lib/api";
import { cn } from "@/lib/cn";
import { type EndpointState, endpointState, loadWords, priceWords } from "@/lib/endpoint-words";
import { count, duration, plural, rate } from "@/lib/format";
import { serverNow } from "@/lib/server-clock";
import { session } from "@/lib/session";
import { quarterSeconds } from "@/lib/ticker";

const DOTS: Record<EndpointState["tone"], string> = {
  good: "bg-good",
  busy: "bg-caution",
  bad: "bg-destructive",
  plain: "bg-input",
};

/** One endpoint: its figures, what is the matter with it, and what can be done. */
export function EndpointRow({ endpoint, columns }: { endpoint: EndpointInfo; columns: number }) {
  const [test, setTest] = useState<EndpointTest | null>(null);
  const isAdmin = useAdmin();
  const testing = useTask();
  const removing = useTask();
  const problem = testing.problem ?? removing.problem;
  const { name, queued, calls, errors, firstTokenP50Ms, firstTokenP95Ms, tokensPerS } = endpoint;
  const price = priceWords(endpoint.price);
  return (
    <tbody
      data-slot="endpoint-row"
      data-endpoint={name}
      data-breaker={endpoint.breaker}
      className="col-span-full grid-cols-subgrid border-b py-2 max-sm:block sm:grid"
    >
      <tr className="col-span-full grid grid-cols-2 gap-y-1 sm:grid-cols-subgrid">
        <th scope="row" className="min-w-0 font-normal max-sm:col-span-2">
          <Standing endpoint={endpoint} />
        </th>
        <Cell name="Load" more={queued > 0 ? `${queued} waiting` : null}>
          <span data-slot="endpoint-load">{loadWords(endpoint)}</span>
          <LoadBar endpoint={endpoint} />
        </Cell>
        <Cell name="First token" more={firstTokenP95Ms > 0 ? `p95 ${duration(firstTokenP95Ms)}` : null}>
          {firstTokenP50Ms > 0 ? duration(firstTokenP50Ms) : "–"}
        </Cell>
        <Cell name="Speed" more={tokensPerS > 0 ? "tokens/s" : null}>
          {tokensPerS > 0 ? rate(tokensPerS) : "–"}
        </Cell>
        <Cell
          name="5 minutes"
          more={errors > 0 ? <span className="text-destructive">{count(errors)} failed</span> : null}
        >
          <span data-slot="endpoint-calls">{plural(calls, "call")}</span>
        </Cell>
        <Cell name="Price" wide more={price === null ? null : "per million"}>
          {price ?? "–"}
        </Cell>
        <Cell name="Weight">× {endpoint.weight}</Cell>
        <td className="-mt-1 max-sm:col-span-2 max-sm:mt-1 max-sm:-ml-2">
          {isAdmin ? (
            <span className="flex flex-wrap items-center gap-1 sm:max-w-40 sm:justify-end">
              <Button
                size="sm"
                variant="ghost"
                data-slot="test-endpoint"
                disabled={testing.busy}
                onClick={() => {
                  removing.forget();
                  void testing.run(async () => setTest(await api.testEndpoint({ name })));
                }}
              >
                {testing.busy ? "Testing…" : "Test"}
              </Button>
              {endpoint.kind === "remote" ? (
                <ConfirmButton
                  size="sm"
                  variant="ghost"
                  data-slot="remove-endpoint"
                  question={`Remove ${name}?`}
                  confirm="Remove"
                  disabled={removing.busy}
                  onConfirm={() => {
                    testing.forget();
                    void removing.run(async () => session.models.replace(await api.removeEndpoint(name)));
                  }}
                >
                  Remove
                </ConfirmButton>
              ) : null}
            </span>
          ) : null}
        </td>
      </tr>
      {problem === null && test === null ? null : (
        <tr className="col-span-full block">
          <td colSpan={columns} className="block py-2">
            {problem === null ? null : <Problem facts={problem} />}
            {problem === null && test !== null ? <TestResult test={test} /> : null}
          </td>
        </tr>
      )}
    </tbody>
  );
}

/** Its name, whether calls get through, and what went wrong last. */
function Standing({ endpoint }: { endpoint: EndpointInfo }) {
  useStore(quarterSeconds);
  const { words, tone } = endpointState(endpoint, serverNow());
  const trouble = endpoint.lastError || (tone === "good" ? "" : endpoint.detail);
  return (
    <span className="grid grid-cols-[auto_1fr] items-baseline gap-x-2">
      <span aria-hidden className={cn("size-2 rounded-full", DOTS[tone])} />
      <span className="font-medium">{endpoint.name}</span>
      <span
        data-slot="endpoint-state"
        className={cn("col-start-2 text-xs", tone === "bad" ? "text-destructive" : "text-muted-foreground")}
      >
        {words}
      </span>
      <span className="col-start-2 max-w-56 truncate text-faint-foreground text-xs" title={endpoint.baseUrl}>
        {endpoint.baseUrl.replace(/^https?:\/\//, "")}
      </span>
      {trouble === "" ? null : (
        <span
          className="col-start-2 line-clamp-2 max-w-64 break-words text-faint-foreground text-xs"
          title={trouble}
        >
          {trouble}
        </span>
      )}
    </span>
  );
}

interface CellProps {
  name: string;
  more?: ReactNode;
  /** On a phone it has a line of its own. */
  wide?: boolean;
  children: ReactNode;
}

function Cell({ name, more = null, wide = false, children }: CellProps) {
  return (
    <td className={cn("whitespace-nowrap max-sm:flex max-sm:gap-2", wide && "max-sm:col-span-2")}>
      <span aria-hidden className="w-20 shrink-0 text-faint-foreground text-xs leading-5 sm:hidden">
        {name}
      </span>
      <span className="min-w-0">
        <span className="block">{children}</span>
        {more === null ? null : <span className="block text-faint-foreground text-xs">{more}</span>}
      </span>
    </td>
  );
}

function LoadBar({ endpoint: { active, limit } }: { endpoint: EndpointInfo }) {
  if (limit === 0) return null;
  const share = Math.min(1, active / limit);
  return (
    <span aria-hidden className="mt-1 block h-1 w-14 overflow-hidden rounded-full bg-accent">
      <span
        className={cn("block h-full rounded-full bg-primary", share >= 1 && "bg-caution")}
        style={{ width: `${share * 100}%` }}
      />
    </span>
  );
}
