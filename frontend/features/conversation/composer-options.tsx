"use client";

import { ChevronDown, ListChecks, Settings2 } from "lucide-react";
import { useRef } from "react";
import { KindIcon } from "@/components/kind-icon";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { Tooltip } from "@/components/ui/tooltip";
import { newestRun, useNextModel } from "@/hooks/use-next-model";
import { useStore } from "@/hooks/use-store";
import { focusComposer } from "@/lib/actions";
import { cn } from "@/lib/cn";
import { chooseModel, composer, setApprove } from "@/lib/composer-state";
import { KIND_LABEL } from "@/lib/format";
import { go } from "@/lib/location";
import { findModel, homeOf, isDown, modelLabel } from "@/lib/model-list";
import { KINDS, type Kind } from "@/lib/protocol";
import { session } from "@/lib/session";

const WHAT_FOR: Record<Kind, string> = {
  chat: "Short and to the point",
  creative: "Free, with more surprise",
  analytical: "Careful, in steps",
};

/** How the next task shall be treated; left alone, the Manager decides, and says what it would do. */
export function KindSelect() {
  const { kind } = useStore(composer);
  const preview = useStore(session.preview.state);
  const guess = kind === null ? (preview?.kind ?? null) : null;
  const { chosen: hasChosen, onCloseAutoFocus } = useThenWrite();
  const choose = (value: string): void => {
    hasChosen();
    const chosen = KINDS.find((each) => each === value) ?? null;
    composer.update((state) => ({ ...state, kind: chosen }));
  };
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button
          variant="ghost"
          size="sm"
          data-slot="kind-select"
          data-kind={kind ?? "auto"}
          data-preview={guess ?? undefined}
          className="rounded-full font-normal"
        >
          <KindIcon kind={kind ?? guess} className="!size-3.5" />
          <span className="sr-only">Kind of task:</span>
          {kind === null ? "Auto" : KIND_LABEL[kind]}
          {guess === null ? null : (
            <span className="animate-appear text-faint-foreground">{KIND_LABEL[guess].toLowerCase()}</span>
          )}
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align="start" className="w-60" onCloseAutoFocus={onCloseAutoFocus}>
        <DropdownMenuRadioGroup value={kind ?? "auto"} onValueChange={choose}>
          <DropdownMenuRadioItem value="auto">
            <KindIcon kind={null} />
            <Choice label="Auto" what="Decided by the examples" />
          </DropdownMenuRadioItem>
          {KINDS.map((each) => (
            <DropdownMenuRadioItem key={each} value={each}>
              <KindIcon kind={each} />
              <Choice label={KIND_LABEL[each]} what={WHAT_FOR[each]} />
            </DropdownMenuRadioItem>
          ))}
        </DropdownMenuRadioGroup>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}

function Choice({ label, what, isDown = false }: { label: string; what: string; isDown?: boolean }) {
  return (
    <span className="min-w-0 flex-1">
      <span className="block">{label}</span>
      <span className="block truncate text-faint-foreground text-xs">
        {what}
        {isDown ? <span className="text-destructive"> · down</span> : null}
      </span>
    </span>
  );
}

/** Who has chosen goes on writing; who has not is back where they were. On touch a keyboard would rise unasked. */
function useThenWrite() {
  const hasChosen = useRef(false);
  return {
    chosen: () => {
      hasChosen.current = matchMedia("(pointer: fine)").matches;
    },
    onCloseAutoFocus: (event: Event) => {
      if (!hasChosen.current) return;
      hasChosen.current = false;
      event.preventDefault();
      focusComposer();
    },
  };
}

/** Whether plans wait for the user's word. */
export function ApproveToggle() {
  const { approve } = useStore(composer);
  return (
    <Tooltip label="Show me the plan first">
      <Button
        variant="ghost"
        size="sm"
        data-slot="approve-toggle"
        aria-label="Show me the plan first"
        aria-pressed={approve}
        className={cn(
          "rounded-full font-normal",
          approve && "bg-primary-tint text-primary hover:text-primary",
        )}
        onClick={() => setApprove(!approve)}
      >
        <ListChecks aria-hidden className="!size-3.5" />
        {approve ? <span className="max-sm:sr-only">Plan first</span> : null}
      </Button>
    </Tooltip>
  );
}

/** Which model answers next. */
export function ModelSelect({ threadId }: { threadId: string | null }) {
  const model = useNextModel(threadId);
  const { chosen, onCloseAutoFocus } = useThenWrite();
  const { list } = useStore(session.models.state);
  if (list === null) return null;
  const shown = findModel(list, model)?.id ?? list.default ?? "";
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button
          variant="ghost"
          size="sm"
          data-slot="model-select"
          data-model={shown}
          className="min-w-0 shrink rounded-full font-normal"
        >
          <span className="sr-only">Model:</span>
          <span className="truncate">{shown === "" ? "No model" : modelLabel(list, shown)}</span>
          <ChevronDown aria-hidden className="!size-3" />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align="start" onCloseAutoFocus={onCloseAutoFocus}>
        <DropdownMenuLabel>Answer with</DropdownMenuLabel>
        <DropdownMenuRadioGroup
          value={shown}
          onValueChange={(id) => {
            chosen();
            chooseModel(threadId, { model: id === list.default ? null : id, after: newestRun(threadId) });
          }}
        >
          {list.models.map((each) => (
            <DropdownMenuRadioItem key={each.id} value={each.id}>
              <Choice
                label={modelLabel(list, each.id)}
                what={each.id === list.default ? `${homeOf(each)}, default` : homeOf(each)}
                isDown={isDown(list, each)}
              />
            </DropdownMenuRadioItem>
          ))}
        </DropdownMenuRadioGroup>
        <DropdownMenuSeparator />
        <DropdownMenuItem onSelect={() => go({ dialog: "models" })}>
          <Settings2 aria-hidden />
          Models
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}
