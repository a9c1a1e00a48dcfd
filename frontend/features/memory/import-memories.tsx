import { Upload } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { panels, showImporting } from "@/features/memory/panels";
import { useStore } from "@/hooks/use-store";
import { useTask } from "@/hooks/use-task";
import { cn } from "@/lib/cn";
import { count, plural } from "@/lib/format";
import { type ImportReport, memoryApi } from "@/lib/memory-api";
import { memoryList } from "@/lib/memory-list";

/** Memories from a file, one a line. */
export function ImportMemories() {
  const { importing } = useStore(panels);
  return (
    <Dialog open={importing} onOpenChange={showImporting}>
      <DialogContent
        data-slot="import-dialog"
        title="Import memories"
        description="A JSONL file: one memory a line, as the export writes it."
        className="sm:w-[min(520px,calc(100vw-32px))]"
      >
        <Body />
      </DialogContent>
    </Dialog>
  );
}

function Body() {
  const [report, setReport] = useState<{ name: string; told: ImportReport } | null>(null);
  const [isOver, setOver] = useState(false);
  const { busy, problem, run } = useTask();
  const picker = useRef<HTMLInputElement>(null);
  const take = (file: File | undefined): void => {
    if (file === undefined || busy) return;
    void run(async () => {
      setReport({ name: file.name, told: await memoryApi.import(await file.text()) });
      memoryList.heard([]);
    });
  };
  const dropped = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  return (
    <div className="space-y-4 overflow-y-auto border-t px-5 py-4 text-[13px]">
      <div
        role="group"
        aria-label="Drop a file"
        data-slot="import-drop"
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={dropped}
        className={cn(
          "flex flex-col items-center gap-2 rounded-lg border border-input border-dashed px-4 py-8 text-center",
          isOver && "border-ring bg-primary-tint",
        )}
      >
        <Upload aria-hidden className="size-5 text-faint-foreground" />
        <p className="text-muted-foreground">Drop a file here, or</p>
        <input
          ref={picker}
          type="file"
          accept=".jsonl,.ndjson,.json,.txt"
          aria-label="File to import"
          data-slot="import-file"
          className="sr-only"
          tabIndex={-1}
          onChange={(event) => {
            take(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
        <Button disabled={busy} onClick={() => picker.current?.click()}>
          {busy ? "Reading…" : "Choose a file"}
        </Button>
      </div>
      {problem === null ? null : <Problem facts={problem} />}
      {report === null ? null : <Report name={report.name} told={report.told} />}
    </div>
  );
}

function Report({ name, told }: { name: string; told: ImportReport }) {
  return (
    <div data-slot="import-report" role="status" className="space-y-3">
      <p className="truncate font-medium">{name}</p>
      <dl className="grid auto-cols-fr grid-flow-col divide-x tabular-nums">
        <Figure label="added" value={told.added} />
        {told.replaced > 0 ? (
          <Figure label="replaced what held before" value={told.replaced} caution />
        ) : null}
        <Figure label="known already" value={told.merged} />
        <Figure label="passed over" value={told.passedOver} caution={told.passedOver > 0} />
      </dl>
      {told.problems.length === 0 ? null : (
        <table className="w-full">
          <caption className="pb-1 text-left text-muted-foreground text-xs">
            {plural(told.passedOver, "line")} could not be read
          </caption>
          <tbody className="divide-y border-y">
            {told.problems.map(({ line, message }) => (
              <tr key={line}>
                <th
                  scope="row"
                  className="w-20 py-1.5 pr-3 text-left align-top font-normal text-faint-foreground tabular-nums"
                >
                  Line {count(line)}
                </th>
                <td className="py-1.5 [overflow-wrap:anywhere]">{message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Button variant="primary" onClick={() => showImporting(false)}>
        Done
      </Button>
    </div>
  );
}

function Figure({ label, value, caution = false }: { label: string; value: number; caution?: boolean }) {
  return (
    <div className="flex flex-col-reverse px-3 first:pl-0">
      <dt className="text-muted-foreground text-xs">{label}</dt>
      <dd className={cn("text-lg", caution && "text-caution")}>{count(value)}</dd>
    </div>
  );
}
