import type { ModelSpend } from "@/lib/api";
import { count, money } from "@/lib/format";

/** Who used it: a line per model. */
export function ModelTable({ models }: { models: readonly ModelSpend[] }) {
  if (models.length === 0) return <p className="text-muted-foreground">No model has been asked yet.</p>;
  return (
    <section aria-label="By model" className="space-y-2">
      <h3 className="font-medium">By model</h3>
      <table data-slot="model-spend" className="w-full tabular-nums">
        <thead>
          <tr className="border-b text-faint-foreground text-xs">
            <th scope="col" className="pb-1 text-left font-normal">
              Model
            </th>
            <Head>Calls</Head>
            <Head>Read</Head>
            <Head>Written</Head>
            <Head>Money</Head>
          </tr>
        </thead>
        <tbody className="divide-y">
          {models.map((each) => (
            <tr key={each.model}>
              <th
                scope="row"
                className="w-full max-w-0 truncate py-1.5 text-left font-normal"
                title={each.model}
              >
                {each.model}
              </th>
              <Value>{count(each.calls)}</Value>
              <Value>{count(each.inputTokens)}</Value>
              <Value>{count(each.outputTokens)}</Value>
              <Value>{money(each.money)}</Value>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Head({ children }: { children: string }) {
  return (
    <th scope="col" className="pb-1 pl-4 text-right font-normal max-sm:pl-2">
      {children}
    </th>
  );
}

function Value({ children }: { children: string }) {
  return <td className="py-1.5 pl-4 text-right max-sm:pl-2">{children}</td>;
}
