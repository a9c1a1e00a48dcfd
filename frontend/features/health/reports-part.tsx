import { ArrowLeft, RefreshCw } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { useNow } from "@/hooks/use-now";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { factsOf } from "@/lib/api";
import { cn } from "@/lib/cn";
import { healthApi, type Report, type ReportEntry } from "@/lib/health-api";
import { agoWords } from "@/lib/health-words";
import { go } from "@/lib/location";
import type { ErrorFacts } from "@/lib/protocol";
import { Remote } from "@/lib/remote";
import { dayWords } from "@/lib/spend";

const reports = new Remote<readonly ReportEntry[]>(
  async (signal) => (await healthApi.reports(signal)).reports,
);
/** Days of reports are those of the server: UTC. */
const today = (now: number): string => new Date(now).toISOString().slice(0, 10);

type Markdown = (text: string) => ReactNode;

/** What each day was like: the days, and the report of one. */
export function ReportsPart({ markdown }: { markdown: Markdown }) {
  const { item } = useView();
  const { value, error, loading } = useStore(reports.state);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Report | null>(null);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  useEffect(() => void reports.load(), []);
  const make = async (): Promise<void> => {
    setMaking(true);
    setProblem(null);
    try {
      const report = await healthApi.makeReport(today(Date.now()));
      setMade(report);
      await reports.load();
      go({ item: report.day });
    } catch (cause) {
      setProblem(factsOf(cause));
    } finally {
      setMaking(false);
    }
  };
  const failed = problem ?? error;
  return (
    <section aria-label="Reports" className="space-y-4">
      <div className={cn("flex flex-wrap items-center gap-3", item !== null && "max-lg:hidden")}>
        <p className="min-w-0 flex-1 text-[13px] text-muted-foreground">
          What each day was like, in a page to read or send on.
        </p>
        <Button
          size="sm"
          data-slot="make-report"
          className="max-sm:h-9"
          disabled={making}
          onClick={() => void make()}
        >
          <RefreshCw aria-hidden className="!size-3.5" />
          {making ? "Making it…" : "Make today's now"}
        </Button>
      </div>
      {failed === null ? null : <Problem facts={failed} />}
      {value === null && failed === null && loading ? (
        <p className="text-faint-foreground text-sm">Looking…</p>
      ) : null}
      {value === null ? null : (
        <div className="gap-8 lg:flex">
          <Days entries={value} opened={item} />
          {item === null ? null : (
            <ReportPage key={`${item} ${made?.madeAt ?? ""}`} day={item} made={made} markdown={markdown} />
          )}
        </div>
      )}
    </section>
  );
}

function Days({ entries, opened }: { entries: readonly ReportEntry[]; opened: string | null }) {
  const now = useNow();
  if (entries.length === 0)
    return (
      <p data-slot="no-reports" className="text-[15px]">
        There is no report yet: each morning the day before gets one.
      </p>
    );
  return (
    <ul
      data-slot="reports"
      className={cn(
        "min-w-0 divide-y border-y",
        opened === null ? "flex-1" : "max-lg:hidden lg:w-44 lg:shrink-0 lg:self-start",
      )}
    >
      {entries.map(({ day, title }) => (
        <li key={day}>
          <button
            type="button"
            data-slot="open-report"
            data-day={day}
            aria-current={day === opened ? "true" : undefined}
            onClick={() => go({ item: day })}
            className={cn(
              "flex w-full flex-col gap-x-4 py-2.5 text-left text-[13px] hover:bg-accent/40",
              opened === null && "sm:flex-row sm:items-baseline",
              opened !== null && "lg:px-2",
              day === opened && "bg-accent",
            )}
          >
            <span className="w-32 shrink-0">{day === today(now) ? "Today, so far" : dayWords(day)}</span>
            {opened === null ? (
              <span className="min-w-0 break-words text-muted-foreground">{title}</span>
            ) : null}
          </button>
        </li>
      ))}
    </ul>
  );
}

function ReportPage({ day, made, markdown }: { day: string; made: Report | null; markdown: Markdown }) {
  const now = useNow();
  const [report, setReport] = useState<Report | null>(made?.day === day ? made : null);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  const isThere = report !== null;
  useEffect(() => {
    if (isThere) return;
    const request = new AbortController();
    healthApi.report(day, request.signal).then(setReport, (cause: unknown) => {
      if (!request.signal.aborted) setProblem(factsOf(cause));
    });
    return () => request.abort();
  }, [day, isThere]);
  return (
    <article data-slot="report" data-day={day} className="min-w-0 flex-1 space-y-4">
      <Button
        size="sm"
        variant="ghost"
        data-slot="all-reports"
        className="-ml-2 max-sm:h-9 lg:hidden"
        onClick={() => go({ item: null })}
      >
        <ArrowLeft aria-hidden className="!size-3.5" />
        All reports
      </Button>
      {problem === null ? null : <Problem facts={problem} />}
      {report === null ? null : (
        <>
          <h2 className="sr-only">Report of {dayWords(day)}</h2>
          {markdown(report.text)}
          <p className="text-faint-foreground text-xs">Made {agoWords(report.madeAt, now)}.</p>
        </>
      )}
    </article>
  );
}
