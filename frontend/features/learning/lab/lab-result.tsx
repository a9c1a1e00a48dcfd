import { LabChart } from "@/features/learning/lab/lab-chart";
import { LineSample } from "@/features/learning/lab/line-sample";
import { cn } from "@/lib/cn";
import { count, plural } from "@/lib/format";
import type { Lab, LabRun } from "@/lib/lab-api";
import { CURVES, intervalNote, pointWords, ranked, verdictWords } from "@/lib/lab-figures";

interface LabResultProps {
  run: LabRun;
  lab: Lab;
  /** Another is being played. */
  isOld: boolean;
}

/** What came of a run: in a sentence, as curves, and as a table. */
export function LabResult({ run, lab, isOld }: LabResultProps) {
  const { world, tasks, seeds, curves } = run;
  const [regret, ...others] = CURVES;
  return (
    <section
      aria-labelledby="lab-result"
      aria-busy={isOld}
      data-slot="lab-result"
      data-world={world}
      className={cn("space-y-6 transition-opacity motion-reduce:transition-none", isOld && "opacity-50")}
    >
      <div className="space-y-1">
        <h2 id="lab-result" className="font-medium text-sm">
          {world}: {count(tasks)} tasks, {plural(seeds, "life", "lives")}
        </h2>
        <p role="status" data-slot="lab-verdict" className="text-[13px] text-muted-foreground tabular-nums">
          {verdictWords(run)} {intervalNote(seeds)}
        </p>
      </div>
      {regret === undefined ? null : <LabChart info={regret} curves={curves} lab={lab} tasks={tasks} />}
      <div className="grid gap-6 sm:grid-cols-2">
        {others.map((info) => (
          <LabChart key={info.name} info={info} curves={curves} lab={lab} tasks={tasks} />
        ))}
      </div>
      <div tabIndex={0} role="region" aria-label="Table of policies" className="overflow-x-auto outline-none">
        <table data-slot="lab-table" className="w-full text-left text-[13px] tabular-nums">
          <thead className="text-muted-foreground text-xs">
            <tr className="border-b">
              <th scope="col" className="py-1.5 pr-4 font-normal">
                Policy
              </th>
              <th scope="col" className="px-4 py-1.5 text-right font-normal">
                Regret in all
              </th>
              <th scope="col" className="px-4 py-1.5 text-right font-normal">
                Reward at the end
              </th>
              <th scope="col" className="py-1.5 pl-4 text-right font-normal">
                Share of the best at the end
              </th>
            </tr>
          </thead>
          <tbody className="divide-y">
            {ranked(curves).map((one) => (
              <tr key={one.policy} data-policy={one.policy}>
                <th scope="row" className="py-1.5 pr-4 font-medium">
                  <span className="inline-flex items-center gap-2">
                    <LineSample policy={one.policy} lab={lab} />
                    {one.policy}
                  </span>
                </th>
                <td className="whitespace-nowrap px-4 text-right">
                  {pointWords(one.regret, "regret", seeds)}
                </td>
                <td className="whitespace-nowrap px-4 text-right">
                  {pointWords(one.reward, "reward", seeds)}
                </td>
                <td className="whitespace-nowrap pl-4 text-right">{pointWords(one.best, "best", seeds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
