"use client";

import { useId, useState } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Ask } from "@/features/conversation/ask";
import type { QuestionState, TaskState } from "@/lib/run-state";
import { session } from "@/lib/session";

interface QuestionCardProps {
  runId: string;
  question: QuestionState;
  task: TaskState | undefined;
  /** It can still be answered. */
  open: boolean;
}

/** What an agent asked. It can be answered now or days later; then it shows both. */
export function QuestionCard({ runId, question, task, open }: QuestionCardProps) {
  const role = task?.role || "manager";
  return (
    <Ask
      slot="question"
      id={question.id}
      role={role}
      settled={!open}
      title={open ? `The ${role} asks you` : `The ${role} asked`}
    >
      <p
        className={
          open ? "whitespace-pre-wrap break-words text-[15px] leading-6" : "whitespace-pre-wrap break-words"
        }
      >
        {question.text}
      </p>
      {open ? <Reply runId={runId} question={question} /> : null}
      {open ? null : (
        <p data-slot="question-answer" className="whitespace-pre-wrap break-words text-muted-foreground">
          {question.answer === null ? (
            "It was not answered."
          ) : (
            <>
              You: <span className="text-foreground">{question.answer}</span>
            </>
          )}
        </p>
      )}
    </Ask>
  );
}

function Reply({ runId, question }: { runId: string; question: QuestionState }) {
  const [text, setText] = useState("");
  const [sending, setSending] = useState(false);
  const field = useId();
  const answer = async (words: string): Promise<void> => {
    if (words.trim() === "" || sending) return;
    setSending(true);
    const sent = await session.answerQuestion(runId, question.id, words.trim());
    if (!sent) setSending(false);
  };
  return (
    <>
      {question.options.length > 0 ? (
        <div className="flex flex-wrap gap-2">
          {question.options.map((option) => (
            <Button
              key={option}
              data-slot="question-option"
              disabled={sending}
              className="h-auto min-h-8 max-w-full whitespace-normal py-1 text-left font-normal"
              onClick={() => void answer(option)}
            >
              {option}
            </Button>
          ))}
        </div>
      ) : null}
      <form
        className="flex max-w-120 items-center gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          void answer(text);
        }}
      >
        <label htmlFor={field} className="sr-only">
          Your answer
        </label>
        <Input
          id={field}
          value={text}
          placeholder={question.options.length > 0 ? "Or in your own words" : "Your answer"}
          onChange={(event) => setText(event.target.value)}
        />
        <Button type="submit" variant="primary" disabled={text.trim() === "" || sending}>
          {sending ? "Sending" : "Answer"}
        </Button>
      </form>
    </>
  );
}
