import { type Behind, type Between, formatBehind } from "@/lib/dashboard-address";
import { go } from "@/lib/location";

/** Lists the runs behind a number, beside the dashboard. `between`: the interval of a point; null: all that is shown. */
export function openBehind(
  metric: string,
  between: Between | null = null,
  of: Pick<Behind, "by" | "name"> = { by: null, name: "" },
): void {
  go({ behind: formatBehind({ metric, between, ...of }) });
}
