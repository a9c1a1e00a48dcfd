"use client";

import { useEffect } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { WorkingDot } from "@/components/ui/working-dot";
import { ContradictionCard } from "@/features/memory/contradiction-card";
import { LinkedPass, PassRow } from "@/features/memory/pass-row";
import { RefinementPlan } from "@/features/memory/refinement-plan";
import { useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { refinement } from "@/lib/refinement";
import { session } from "@/lib/session";

const EVERY_MS = 30_000;

/** What becomes of memories while nobody works: what only you can tell, what would be done, what was done and why. */
export function RefinementPart({ hidden }: { hidden: boolean }) {
  const { value, error } = useStore(refinement.remote.state);
  const { what, error: refused } = useStore(refinement.doing);
  const { item } = useView();
  useEffect(() => {
    const stops = [
      refinement.remote.follow(EVERY_MS),
      session.memories.subscribe(() => refinement.loadSoon()),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, []);
  return (
    <section
      aria-label="Refinement of memories"
      data-slot="refinement"
      tabIndex={0}
      className={cn(
        "min-w-0 flex-1 overflow-y-auto overscroll-contain outline-none",
        hidden && "max-lg:hidden",
      )}
    >
      <div className="mx-auto w-full max-w-3xl space-y-8 px-4 pt-6 pb-16 sm:px-6">
        <RefinementPlan />
        {refused === null ? null : (
          <Problem facts={refused}>
            <Button
              size="sm"
              onClick={() => {
                refinement.dismiss();
                void refinement.remote.load();
              }}
            >
              Look again
            </Button>
          </Problem>
        )}
        {error !== null && value === null && refused === null ? (
          <Problem facts={error}>
            <Button size="sm" onClick={() => void refinement.remote.load()}>
              Try again
            </Button>
          </Problem>
        ) : null}
        {value === null || value.contradictions.length === 0 ? null : (
          <section aria-labelledby="contradictions" className="space-y-3">
            <h2 id="contradictions" className="font-medium text-sm">
              Only you can tell
            </h2>
            <p className="text-[13px] text-muted-foreground">
              These cannot all be true, and nothing says which is. Until you do, agents may be reminded of any
              of them.
            </p>
            <ul className="space-y-3">
              {value.contradictions.map((one) => (
                <ContradictionCard
                  key={`${one.key}/${one.memories[0]?.id}`}
                  contradiction={one}
                  isBusy={what !== null}
                />
              ))}
            </ul>
          </section>
        )}
        {value === null ? null : (
          <section aria-labelledby="passes" className="space-y-3">
            <h2 id="passes" className="font-medium text-sm">
              What was done
            </h2>
            {item === null || value.passes.some(({ id }) => id === item) ? null : (
              <LinkedPass key={item} id={item} />
            )}
            {value.passes.length === 0 ? (
              <p data-slot="no-passes" className="text-muted-foreground text-sm">
                No memory was refined yet. It happens by itself once nobody has worked for a while; look above
                what it would do now.
              </p>
            ) : (
              <ol className="divide-y border-y">
                {value.passes.map((pass) => (
                  <PassRow key={pass.id} pass={pass} isOpen={item === pass.id} />
                ))}
              </ol>
            )}
            {value.next === null ? null : (
              <Button
                variant="quiet"
                size="sm"
                disabled={what !== null}
                onClick={() => void refinement.older()}
              >
                {what === "older" ? <WorkingDot /> : null} Older ones
              </Button>
            )}
          </section>
        )}
      </div>
    </section>
  );
}
