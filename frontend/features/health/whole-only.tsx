import { Problem } from "@/components/problem";
import { StatusMark } from "@/features/health/status-mark";
import { useStore } from "@/hooks/use-store";
import { health } from "@/lib/health-watch";
import type { Standing } from "@/lib/standing";

const WORDS: Readonly<Record<Standing, string>> = {
  ok: "All is well.",
  degraded: "Alma works, but not all of it is well. Whoever runs it can see why.",
  down: "Alma does not work as it should. Whoever runs it can see why.",
};

/** For who is no administrator: whether all is well, and no more. */
export function WholeOnly() {
  const { value, error } = useStore(health.state);
  return (
    <div data-slot="health-whole" className="min-h-0 flex-1 border-t px-4 pt-10 sm:px-6">
      <div className="mx-auto w-full max-w-[860px]">
        {error === null ? null : <Problem facts={error} />}
        {value === null ? null : (
          <p role="status" className="flex items-center gap-3 text-[15px]">
            <StatusMark status={value.status} className="size-5" />
            {WORDS[value.status]}
          </p>
        )}
      </div>
    </div>
  );
}
