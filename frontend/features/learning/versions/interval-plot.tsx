import { courseShape } from "@/lib/version-figures";
import { signed } from "@/lib/version-words";
import type { CoursePoint } from "@/lib/versions-api";

const BOX = { width: 800, height: 96 };

/** Where the difference of rewards lay, as tasks came; the line in the middle is no difference. */
export function IntervalPlot({ course }: { course: readonly CoursePoint[] }) {
  const last = course.at(-1);
  if (last === undefined) return null;
  const { band, reach } = courseShape(course, BOX);
  return (
    <figure data-slot="interval-plot" className="space-y-1">
      <div className="relative ml-10">
        {[reach, 0, -reach].map((value, at) => (
          <span
            key={value}
            aria-hidden
            className="-left-10 -translate-y-1/2 absolute w-8 text-right text-[11px] text-faint-foreground leading-none tabular-nums"
            style={{ top: `${50 * at}%` }}
          >
            {signed(value)}
          </span>
        ))}
        <svg
          role="img"
          aria-label={`The difference of rewards over ${last.tasks} tasks; at the end between ${signed(last.low)} and ${signed(last.high)}`}
          viewBox={`0 0 ${BOX.width} ${BOX.height}`}
          preserveAspectRatio="none"
          className="h-24 w-full text-series-1"
        >
          <path d={band} fill="currentColor" fillOpacity={0.22} />
          <path
            d={band}
            fill="none"
            stroke="currentColor"
            strokeOpacity={0.6}
            vectorEffect="non-scaling-stroke"
          />
          <line
            x1={0}
            x2={BOX.width}
            y1={BOX.height / 2}
            y2={BOX.height / 2}
            className="stroke-foreground/50"
            vectorEffect="non-scaling-stroke"
          />
        </svg>
      </div>
      <figcaption className="ml-10 flex justify-between text-[11px] text-faint-foreground">
        <span>first task</span>
        <span>above the line: better than what acts now</span>
        <span className="tabular-nums">{last.tasks} tasks</span>
      </figcaption>
    </figure>
  );
}
