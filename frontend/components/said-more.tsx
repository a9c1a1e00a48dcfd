"use client";

import { Pencil, X } from "lucide-react";
import { useId, useState } from "react";
import { Problem } from "@/components/problem";
import type { SaidProps } from "@/components/thumbs";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Tooltip } from "@/components/ui/tooltip";
import { feedback } from "@/lib/feedback";
import { newestSignal } from "@/lib/learned-state";
import { MAIN } from "@/lib/protocol";

const REASONS = {
  good: ["Right", "Clear", "Complete", "The right length"],
  bad: ["Wrong", "Not what I asked", "Incomplete", "Too long", "Too short", "Bad style"],
} as const;

/** After a thumb, why; or the answer as it should have been. Nothing of it has to be said. */
export function SaidMoreForm({ taskId = MAIN, ...props }: SaidProps & { answer: string }) {
  const { runId, seq } = props;
  const { open, error } = props.giving;
  if (error !== null)
    return (
      <Problem facts={error} data-slot="feedback-problem">
        <Button size="sm" onClick={() => feedback.again(runId, taskId, seq)}>
          Say it again
        </Button>
      </Problem>
    );
  if (open === "reason") return <Reason taskId={taskId} {...props} />;
  return open === "edit" ? <EditAnswer taskId={taskId} {...props} /> : null;
}

type FormProps = SaidProps & { taskId: string; answer: string };

function Reason({ runId, taskId, signals, seq, giving: { saying } }: FormProps) {
  const [text, setText] = useState("");
  const value = newestSignal(signals, "thumb", taskId, saying)?.value ?? 1;
  const say = (reason: string): void =>
    void feedback.give(runId, taskId, { signal: "thumb", value, reason }, seq);
  return (
    <form
      data-slot="feedback-reason"
      className="flex flex-wrap items-center gap-1.5 text-xs"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== "") say(text.trim());
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") feedback.open(runId, taskId, null);
      }}
    >
      <span className="text-muted-foreground">Why?</span>
      {REASONS[value < 0 ? "bad" : "good"].map((reason) => (
        <Button key={reason} size="sm" className="h-6 rounded-full font-normal" onClick={() => say(reason)}>
          {reason}
        </Button>
      ))}
      <Input
        aria-label="Another reason"
        placeholder="Another reason"
        maxLength={500}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="h-6 w-44 text-xs max-sm:w-full"
      />
      <Button
        variant="quiet"
        size="sm"
        data-slot="edit-answer"
        onClick={() => feedback.open(runId, taskId, "edit")}
      >
        <Pencil aria-hidden className="!size-3" />
        Edit the answer
      </Button>
      <Tooltip label="No reason" shortcut="escape">
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label="No reason"
          onClick={() => feedback.open(runId, taskId, null)}
        >
          <X aria-hidden />
        </Button>
      </Tooltip>
    </form>
  );
}

function EditAnswer({ runId, taskId, signals, seq, answer }: FormProps) {
  const [text, setText] = useState(newestSignal(signals, "edited", taskId)?.text || answer);
  const help = useId();
  const trimmed = text.trim();
  const close = (): void => feedback.open(runId, taskId, null);
  return (
    <form
      data-slot="edit-answer-form"
      className="rounded-xl border border-input p-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (trimmed !== "" && trimmed !== answer.trim())
          void feedback.give(runId, taskId, { signal: "edited", text: trimmed }, seq);
      }}
    >
      <textarea
        // biome-ignore lint/a11y/noAutofocus: the person has just asked to edit
        autoFocus
        aria-label="The answer as it should have been"
        aria-describedby={help}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") close();
        }}
        className="field-sizing-content block max-h-[50vh] min-h-24 w-full resize-none bg-transparent px-2 py-1 text-[15px] leading-6 outline-none max-sm:text-base"
      />
      <div className="flex items-center justify-end gap-2 pt-1">
        <span id={help} className="mr-auto px-2 text-faint-foreground text-xs">
          Alma learns from it; the answer above stays as it was.
        </span>
        <Button variant="ghost" size="sm" onClick={close}>
          Cancel
        </Button>
        <Button
          variant="primary"
          size="sm"
          type="submit"
          disabled={trimmed === "" || trimmed === answer.trim()}
        >
          Say so
        </Button>
      </div>
    </form>
  );
}
