import { Button } from "@/components/ui/button";
import { ActList } from "@/features/memory/act-list";
import { useStore } from "@/hooks/use-store";
import { plural } from "@/lib/format";
import { openPass } from "@/lib/location";
import { refinement } from "@/lib/refinement";
import { countsOf, countsWords, doneWords } from "@/lib/refinement-words";
import { session } from "@/lib/session";

async function refine(): Promise<void> {
  const done = await refinement.refine();
  if (done === null) return;
  const { passId, acts, more } = done;
  if (passId === "") {
    session.notices.show(doneWords([], false));
    return;
  }
  const undo = { label: "Undo", run: () => void refinement.undo(passId) };
  session.notices.show(doneWords(acts, more), { action: undo });
  openPass(passId);
}

/** What refinement is, what it would do just now, and the buttons for both. */
export function RefinementPlan() {
  const { what, plan } = useStore(refinement.doing);
  const isBusy = what !== null;
  return (
    <section aria-labelledby="refinement-plan" className="space-y-4">
      <div className="flex flex-wrap items-start gap-x-6 gap-y-3">
        <div className="min-w-0 flex-1 basis-80 space-y-1">
          <h2 id="refinement-plan" className="font-medium text-sm">
            Refinement
          </h2>
          <p className="text-[13px] text-muted-foreground">
            While nobody works, what says the same becomes one, what helped becomes a fact, what you ask for
            again and again a rule, and what has faded is archived. What you wrote, said or pinned stays as it
            is. Nothing is deleted, and each step can be taken back.
          </p>
        </div>
        <div className="flex shrink-0 gap-2">
          <Button
            data-slot="preview-refinement"
            disabled={isBusy}
            className="max-sm:h-10"
            onClick={() => void refinement.preview()}
          >
            {what === "preview" ? "Looking…" : "See what it would do"}
          </Button>
          {plan === null ? (
            <Button
              variant="primary"
              data-slot="refine-now"
              disabled={isBusy}
              className="max-sm:h-10"
              onClick={() => void refine()}
            >
              {what === "refine" ? "Refining…" : "Refine now"}
            </Button>
          ) : null}
        </div>
      </div>
      {plan === null ? null : (
        <div
          data-slot="refinement-preview"
          role="status"
          className="space-y-3 rounded-md bg-muted/60 px-4 py-3"
        >
          {plan.acts.length === 0 ? (
            <p className="text-[13px]">
              There is nothing to refine just now: nothing is said twice, contradicts itself or has faded.
            </p>
          ) : (
            <>
              <p className="text-[13px]">
                <span className="font-medium">It would do {plural(plan.acts.length, "thing")}</span>
                <span className="text-muted-foreground">
                  {" "}
                  · {countsWords(countsOf(plan.acts))}
                  {plan.more ? ", and more in the next pass" : ""}
                </span>
              </p>
              <ActList acts={plan.acts} />
            </>
          )}
          <div className="flex flex-wrap gap-2">
            {plan.acts.length === 0 ? null : (
              <Button
                variant="primary"
                size="sm"
                data-slot="refine-now"
                disabled={isBusy}
                className="max-sm:h-9"
                onClick={() => void refine()}
              >
                {what === "refine" ? "Refining…" : "Do it"}
              </Button>
            )}
            <Button
              size="sm"
              data-slot="dismiss-preview"
              className="max-sm:h-9"
              onClick={() => refinement.dismiss()}
            >
              {plan.acts.length === 0 ? "Close" : "Leave it"}
            </Button>
          </div>
        </div>
      )}
    </section>
  );
}
