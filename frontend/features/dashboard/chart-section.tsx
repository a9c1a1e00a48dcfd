import { ChartTable } from "@/features/dashboard/chart-table";
import { LiveChart } from "@/features/dashboard/live-chart";
import { cn } from "@/lib/cn";
import type { SectionInfo } from "@/lib/dashboard-charts";

const WIDE = { 1: "@3xl:grid-cols-1", 2: "", 3: "@6xl:grid-cols-3" } as const;
const SPANS = { 1: "", 2: "@6xl:col-span-2", 3: "@6xl:col-span-3" } as const;

/** How many of three columns a group takes: two small ones share a row. */
function wideOf({ charts }: SectionInfo): 1 | 2 | 3 {
  return charts.length === 1 || charts.length === 2 ? charts.length : 3;
}

/** The charts of a group, or the same as tables. */
export function ChartSection({ section, isTable }: { section: SectionInfo; isTable: boolean }) {
  return (
    <section
      id={`dashboard-${section.id}`}
      data-slot="chart-section"
      aria-label={section.title}
      className={cn("border-t pt-5", SPANS[wideOf(section)])}
    >
      <h2 className="mb-4 font-semibold text-[15px] tracking-[-0.011em]">{section.title}</h2>
      <div className={cn("grid grid-cols-1 gap-x-10 gap-y-7 @3xl:grid-cols-2", WIDE[wideOf(section)])}>
        {section.charts.map((info) =>
          isTable ? <ChartTable key={info.id} info={info} /> : <LiveChart key={info.id} info={info} />,
        )}
      </div>
    </section>
  );
}
