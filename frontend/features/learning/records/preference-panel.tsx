"use client";

import { useEffect, useRef, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { PreferenceForm } from "@/features/learning/records/preference-form";
import { useStore } from "@/hooks/use-store";
import { preferenceWords } from "@/lib/preference-draft";
import { preferences } from "@/lib/records";

/** What learning may do for this owner: a sentence, and a form behind a button. */
export function PreferencePanel() {
  const { value, error } = useStore(preferences.state);
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => void preferences.load(), []);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  if (value === null)
    return error === null ? (
      <div className="h-7" />
    ) : (
      <Problem facts={error}>
        <Button size="sm" onClick={() => void preferences.load()}>
          Try again
        </Button>
      </Problem>
    );
  return (
    <section data-slot="preferences" aria-label="What learning may do" className="space-y-4">
      <div className="flex items-start gap-4">
        <p
          data-slot="preference-words"
          className="min-w-0 flex-1 text-pretty pt-1 text-[13px] text-muted-foreground"
        >
          {preferenceWords(value)}
        </p>
        <Button
          ref={button}
          size="sm"
          data-slot="change-preferences"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          {isOpen ? "Close" : "Change"}
        </Button>
      </div>
      {isOpen ? <PreferenceForm now={value} onDone={close} /> : null}
    </section>
  );
}
