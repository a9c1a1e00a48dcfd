"use client";

import { Check, Copy } from "lucide-react";
import { useRef, useState } from "react";
import { Button, type ButtonProps } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { copyText } from "@/lib/clipboard";

interface CopyButtonProps extends Omit<ButtonProps, "onClick"> {
  /** Asked when pressed, so that nobody has to build the text before. */
  text: () => string;
  label?: string;
  shortcut?: string;
  onCopied?: () => void;
}

export function CopyButton({ text, label = "Copy", shortcut, onCopied, ...props }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const copy = async (): Promise<void> => {
    if (!(await copyText(text()))) return;
    setCopied(true);
    onCopied?.();
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(false), 1500);
  };
  return (
    <Tooltip label={copied ? "Copied" : label} shortcut={shortcut}>
      <Button variant="ghost" size="icon-sm" aria-label={label} onClick={() => void copy()} {...props}>
        {copied ? <Check aria-hidden className="text-good" /> : <Copy aria-hidden />}
      </Button>
    </Tooltip>
  );
}
