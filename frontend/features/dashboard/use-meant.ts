import { type RefObject, useEffect } from "react";
import { useView } from "@/hooks/use-session";
import { usePart } from "@/hooks/use-store";
import { dashboard } from "@/lib/dashboard";
import type { ChartInfo } from "@/lib/dashboard-charts";

/** Whether the address is about this chart: then it is brought into sight once all above it has its place. */
export function useMeant(chart: RefObject<HTMLElement | null>, { lines }: ChartInfo): boolean {
  const { item } = useView();
  const isMeant = item !== null && lines.some(({ metric }) => metric === item);
  const isThere = usePart(dashboard.state, ({ series, reply }) => series !== null && reply !== null);
  useEffect(() => {
    if (isMeant && isThere) chart.current?.scrollIntoView({ block: "center" });
  }, [chart, isMeant, isThere]);
  return isMeant;
}
