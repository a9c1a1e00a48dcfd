import { useStore } from "@/hooks/use-store";
import { wholeSeconds } from "@/lib/ticker";

/** Our clock (ms), anew every second: for words like "3 minutes ago". */
export function useNow(): number {
  return useStore(wholeSeconds) || Date.now();
}
