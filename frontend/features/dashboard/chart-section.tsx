import { ChartTable } from "@/features/dashboard/chart-table";
import { LiveChart } from "@/features/dashboard/live-chart";
import type { SectionInfo } from "@/lib/dashboard-charts";

/** The charts of a group, or the same as tables. */
export function ChartSection({ section, isTable }: { section: SectionInfo; isTable: boolean }) {
  return (
    <section
      id={`dashboard-${section.id}`}
      data-slot="chart-section"
      aria-label={section.title}
      className="scroll-mt-4 border-t pt-5"
    >
      <h3 className="mb-4 font-semibold text-[15px] tracking-[-0.011em]">{section.title}</h3>
      <div className="grid grid-cols-1 gap-x-10 gap-y-7 @3xl:grid-cols-2 @6xl:grid-cols-3">
        {section.charts.map((info) =>
          isTable ? <ChartTable key={info.id} info={info} /> : <LiveChart key={info.id} info={info} />,
        )}
      </div>
    </section>
  );
}
