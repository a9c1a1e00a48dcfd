import type { ProbeReport } from "@/lib/api";
import { cn } from "@/lib/cn";
import { count } from "@/lib/format";

/** What the capability probe found, one line per ability. */
export function ProbeGrades({ report }: { report: ProbeReport }) {
  return (
    <div data-slot="probe" className="rounded-lg bg-muted/60 p-3 text-[13px]">
      <dl className="space-y-1.5">
        {report.grades.map((grade) => (
          <div key={grade.name} className="grid grid-cols-[7.5rem_1.5rem_1fr] gap-2">
            <dt className="truncate">{grade.name.replaceAll("_", " ")}</dt>
            <dd className={cn("font-semibold tabular-nums", tone(grade.grade))}>{grade.grade}</dd>
            <dd className="min-w-0 text-muted-foreground">{grade.detail}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-2.5 border-t pt-2 text-muted-foreground text-xs tabular-nums">
        Writes {count(report.tokensPerSecond)} and reads {count(report.promptTokensPerSecond)} tokens/s
      </p>
    </div>
  );
}

function tone(grade: string): string {
  if (grade <= "B") return "text-good";
  return grade <= "C" ? "text-caution" : "text-destructive";
}
