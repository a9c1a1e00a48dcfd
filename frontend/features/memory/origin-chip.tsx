import { Chip, Choice } from "@/features/memory/chips";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { go } from "@/lib/location";
import { formatFilters, MEMORY_ORIGINS, type Origin, parseFilters } from "@/lib/memory-query";
import { memoryState } from "@/lib/memory-state";
import { ORIGIN_NAMES } from "@/lib/memory-words";

/** Whether pieces of files are among what is shown: there may be thousands of them. */
export function OriginChip() {
  const filters = parseFilters(useView().find);
  const counts = useStore(memoryState.standing).state?.counts;
  const [held, inFiles] = [counts?.alive ?? 0, counts?.inFiles ?? 0];
  const amounts: Readonly<Record<Origin, number>> = { notes: held - inFiles, files: inFiles, all: held };
  const isOther = filters.origin !== "notes";
  return (
    <Chip label={isOther ? ORIGIN_NAMES[filters.origin] : "From files"} name="From files" on={isOther}>
      {MEMORY_ORIGINS.map((origin) => (
        <Choice
          key={origin}
          on={filters.origin === origin}
          amount={amounts[origin]}
          onToggle={() => go({ find: formatFilters({ ...filters, origin }) }, "replace")}
        >
          {ORIGIN_NAMES[origin]}
        </Choice>
      ))}
    </Chip>
  );
}
