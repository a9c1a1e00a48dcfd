"use client";

import { useId, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Labelled } from "@/features/learning/experiments/labelled";
import { TextArea } from "@/features/learning/experiments/text-area";
import { CHOICE } from "@/features/learning/experiments/variant-fields";
import { useStore } from "@/hooks/use-store";
import { useTask } from "@/hooks/use-task";
import { rowsIn, sentence, type Wrong } from "@/lib/experiment-draft";
import { experimentsApi } from "@/lib/experiments-api";
import { plural } from "@/lib/format";
import { session } from "@/lib/session";

const EXAMPLE = `{"task": "What is the capital of France?", "expected": "Paris", "slice": "places"}
{"task": "How many legs has a spider?", "expected": "\\\\b(8|[Ee]ight)\\\\b", "slice": "numbers"}`;

interface RowsFieldProps {
  data: string;
  wrong: readonly Wrong[];
  onChange: (data: string) => void;
}

/** The tasks, a line of JSON for each; pasted, or those of a conversation. */
export function RowsField({ data, wrong, onChange }: RowsFieldProps) {
  const id = useId();
  const { threads } = useStore(session.threadList.state);
  const [thread, setThread] = useState("");
  const { busy, problem, run } = useTask();
  const here = wrong.filter(({ where }) => where === "data");
  const take = (): void =>
    void run(async (isWanted) => {
      const found = await experimentsApi.dataOf([thread]);
      if (isWanted()) onChange(`${data.trimEnd()}${data.trim() === "" ? "" : "\n"}${found.data}`);
    });
  return (
    <div className="space-y-2">
      <Labelled
        label={`Tasks, a line of JSON each (${plural(rowsIn(data), "task")})`}
        help="Only task is needed. expected is the right answer, for evaluators that ask for it; slice names a group that results are shown for by itself."
        wrong={
          here.length === 0
            ? null
            : here
                .map(({ line, message }) =>
                  line > 0 ? `Line ${line}: ${sentence(message)}` : sentence(message),
                )
                .join(" ")
        }
      >
        <TextArea
          data-slot="experiment-data"
          className="min-h-28 whitespace-pre font-mono text-xs"
          placeholder={EXAMPLE}
          value={data}
          onChange={({ target }) => onChange(target.value)}
        />
      </Labelled>
      <div className="flex flex-wrap items-center gap-2 text-[13px]">
        <label htmlFor={id} className="text-muted-foreground text-xs">
          Or the tasks of a conversation, with the answers you approved
        </label>
        <select
          id={id}
          data-slot="data-thread"
          className={`${CHOICE} sm:w-64`}
          value={thread}
          onChange={({ target }) => setThread(target.value)}
        >
          <option value="">Choose one</option>
          {threads.map((one) => (
            <option key={one.id} value={one.id}>
              {one.title}
            </option>
          ))}
        </select>
        <Button size="sm" data-slot="take-rows" disabled={busy || thread === ""} onClick={take}>
          Take its tasks
        </Button>
      </div>
      {problem === null ? null : (
        <Problem facts={problem}>
          <Button size="sm" onClick={take}>
            Try again
          </Button>
        </Problem>
      )}
    </div>
  );
}
