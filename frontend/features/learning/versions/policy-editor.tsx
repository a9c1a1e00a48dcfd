"use client";

import { Plus, X } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { usePart, useStore } from "@/hooks/use-store";
import { session } from "@/lib/session";
import { type PolicyDraft, policyContent, policyOf, USUAL, type WayDraft } from "@/lib/version-draft";

interface EditorProps {
  content: string;
  onChange: (content: string) => void;
}

const LISTS: Readonly<Record<"role" | "model" | "pattern", string | undefined>> = {
  role: "policy-roles",
  model: "policy-models",
  pattern: undefined,
};

/** How freely other ways are tried, which ways are allowed, and what is believed of them at the beginning. */
export function PolicyEditor({ content, onChange }: EditorProps) {
  const [policy, setPolicy] = useState<PolicyDraft>(() => policyOf(content));
  const roles = useStore(session.roles.state);
  const models = usePart(session.models.state, ({ list }) => list?.models);
  const change = (next: PolicyDraft): void => {
    setPolicy(next);
    onChange(policyContent(next));
  };
  const changeWay = (at: number, part: Partial<WayDraft>): void => {
    const ways = policy.ways.map((way, index) =>
      index === at ? { ...way, ...part } : part.pinned ? { ...way, pinned: false } : way,
    );
    change({ ...policy, ways });
  };
  return (
    <div className="space-y-4">
      <span className="flex flex-wrap items-center gap-x-2 gap-y-1 text-[13px]">
        <span className="text-muted-foreground">Tasks that may go another way, to find out more</span>
        <Input
          inputMode="decimal"
          data-slot="policy-exploration"
          aria-label="Percent of tasks that may go another way"
          placeholder="as usual"
          className="w-24 tabular-nums"
          value={policy.exploration}
          onChange={(event) => change({ ...policy, exploration: event.target.value })}
        />
        <span className="text-muted-foreground">%</span>
      </span>
      <datalist id={LISTS.role}>
        {roles.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <datalist id={LISTS.model}>
        {models?.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
      <ul className="space-y-3">
        {policy.ways.map((way, at) => (
          <li
            key={at}
            data-slot="policy-way"
            className="relative grid items-center gap-2 border-l-2 pl-3 sm:grid-cols-[1fr_1.4fr_1fr_auto]"
          >
            {(["role", "model", "pattern"] as const).map((part) => (
              <Input
                key={part}
                list={LISTS[part]}
                aria-label={`${NAMES[part]} of way ${at + 1}`}
                placeholder={`${NAMES[part]}: as usual`}
                value={way[part]}
                onChange={(event) => changeWay(at, { [part]: event.target.value })}
              />
            ))}
            <Button
              variant="ghost"
              size="icon"
              className="max-sm:absolute max-sm:right-0 max-sm:bottom-0"
              aria-label={`Remove way ${at + 1}`}
              onClick={() => change({ ...policy, ways: policy.ways.filter((_, index) => index !== at) })}
            >
              <X aria-hidden />
            </Button>
            <span className="flex flex-wrap items-center gap-x-4 gap-y-1.5 text-[13px] sm:col-span-full">
              <Tick
                label="Allowed"
                isOn={way.allowed}
                onToggle={() => changeWay(at, { allowed: !way.allowed })}
              />
              <Tick
                label="Does every task"
                isOn={way.pinned}
                onToggle={() => changeWay(at, { pinned: !way.pinned })}
              />
              <span className="flex items-center gap-2">
                <span className="text-muted-foreground">Believed at the beginning</span>
                <Input
                  inputMode="decimal"
                  placeholder="0 to 1"
                  aria-label={`Believed of way ${at + 1} at the beginning, 0 to 1`}
                  className="w-20 tabular-nums"
                  value={way.prior}
                  onChange={(event) => changeWay(at, { prior: event.target.value })}
                />
              </span>
            </span>
          </li>
        ))}
      </ul>
      <div className="flex flex-wrap items-center gap-3">
        <Button
          size="sm"
          data-slot="add-way"
          disabled={policy.ways.length >= 64}
          onClick={() => change({ ...policy, ways: [...policy.ways, { ...USUAL, allowed: true }] })}
        >
          <Plus aria-hidden /> Add a way
        </Button>
        <span className="text-muted-foreground text-xs">
          {policy.ways.some(({ allowed }) => allowed)
            ? "Only ways that are ticked as allowed are used."
            : "All ways are allowed."}
        </span>
      </div>
    </div>
  );
}

const NAMES = { role: "Role", model: "Model", pattern: "Plan" } as const;

function Tick({ label, isOn, onToggle }: { label: string; isOn: boolean; onToggle: () => void }) {
  return (
    <label className="flex cursor-pointer items-center gap-2 max-sm:min-h-8">
      <input type="checkbox" checked={isOn} onChange={onToggle} className="size-3.5 accent-primary" />
      {label}
    </label>
  );
}
