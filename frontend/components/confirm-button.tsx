"use client";

import { useEffect, useRef, useState } from "react";
import { Button, type ButtonProps } from "@/components/ui/button";

interface ConfirmButtonProps extends Omit<ButtonProps, "onClick"> {
  /** What is asked once it is pressed. */
  question: string;
  /** The word that does it. */
  confirm: string;
  onConfirm: () => void;
}

/** A button that asks before it does what cannot be undone. */
export function ConfirmButton({ question, confirm, onConfirm, children, ...props }: ConfirmButtonProps) {
  const [asking, setAsking] = useState(false);
  const keep = useRef<HTMLButtonElement>(null);
  const first = useRef<HTMLButtonElement>(null);
  const asked = useRef(false);
  useEffect(() => {
    // The keyboard goes with the question, and back when it is answered.
    if (asking) keep.current?.focus();
    else if (asked.current) first.current?.focus();
    asked.current = asking;
  }, [asking]);
  if (!asking)
    return (
      <Button ref={first} {...props} onClick={() => setAsking(true)}>
        {children}
      </Button>
    );
  return (
    <span
      data-slot="confirm"
      data-escape
      role="group"
      aria-label={question}
      className="inline-flex flex-wrap items-center gap-1.5"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        setAsking(false);
      }}
    >
      <span className="text-[13px]">{question}</span>
      <Button
        size="sm"
        variant="danger"
        data-slot="confirm-yes"
        onClick={() => {
          setAsking(false);
          onConfirm();
        }}
      >
        {confirm}
      </Button>
      <Button ref={keep} size="sm" data-slot="confirm-no" onClick={() => setAsking(false)}>
        Keep
      </Button>
    </span>
  );
}
