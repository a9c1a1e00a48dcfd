import { SeverityMark } from "@/features/health/severity-mark";
import { useNow } from "@/hooks/use-now";
import type { PastAlert } from "@/lib/health-api";
import { agoWords, pastWords, SEVERITY_WORDS, untold } from "@/lib/health-words";

/** What fired before, the newest first. */
export function AlertHistory({ history }: { history: readonly PastAlert[] }) {
  return (
    <section aria-label="History">
      <h2 className="border-b pb-2 text-muted-foreground text-xs">History</h2>
      {history.length === 0 ? (
        <p className="py-3 text-[13px] text-muted-foreground">Nothing has fired yet.</p>
      ) : (
        <ol data-slot="alert-history" className="divide-y border-b">
          {history.map((alert) => (
            <PastRow key={alert.id} alert={alert} />
          ))}
        </ol>
      )}
    </section>
  );
}

function PastRow({ alert }: { alert: PastAlert }) {
  const now = useNow();
  const problems = untold(alert);
  return (
    <li
      data-slot="past-alert"
      className="grid grid-cols-[16px_1fr_auto] items-start gap-x-2.5 py-2.5 text-[13px]"
    >
      <SeverityMark severity={alert.severity} muted={alert.endedAt !== null} className="mt-0.5" />
      <div className="min-w-0">
        <p className="break-words">
          <span className="sr-only">{SEVERITY_WORDS[alert.severity]}: </span>
          {alert.summary}
        </p>
        <p className="text-faint-foreground text-xs leading-5">{pastWords(alert)}</p>
        {problems.map((problem) => (
          <p key={problem} className="break-words text-destructive text-xs leading-5">
            Not told by {problem}
          </p>
        ))}
      </div>
      <time
        dateTime={new Date(alert.firedAt * 1000).toISOString()}
        className="whitespace-nowrap text-faint-foreground text-xs leading-5 tabular-nums"
      >
        {agoWords(alert.firedAt, now)}
      </time>
    </li>
  );
}
