import { curvePaths } from "@/lib/belief-chart";
import type { CurvePoint } from "@/lib/records-api";

const BOX = { width: 100, height: 22 };

/** How what is believed went, with its band, without numbers. */
export function RecordSpark({ curve }: { curve: readonly CurvePoint[] }) {
  const { line, band } = curvePaths(curve, BOX);
  return (
    <svg
      aria-hidden
      data-slot="record-spark"
      viewBox={`0 0 ${BOX.width} ${BOX.height}`}
      preserveAspectRatio="none"
      className="h-[22px] w-full text-series-1"
    >
      <path d={band} fill="currentColor" fillOpacity={0.16} />
      <path
        d={line}
        fill="none"
        stroke="currentColor"
        strokeWidth={1.25}
        strokeLinejoin="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
