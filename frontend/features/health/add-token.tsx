import { type FormEvent, useState } from "react";
import { Field } from "@/components/field";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { type NewAccessToken, tokenApi } from "@/lib/access-api";
import { factsOf } from "@/lib/api";
import type { ErrorFacts } from "@/lib/protocol";

interface AddTokenProps {
  onAdded: (token: NewAccessToken) => void;
  onCancel: () => void;
}

const DAYS = [
  { label: "7 days", days: 7 },
  { label: "90 days", days: 90 },
  { label: "1 year", days: 365 },
  { label: "for good", days: null },
] as const;

/** For whom, for how long, and whether they may change what everybody shares. */
export function AddToken({ onAdded, onCancel }: AddTokenProps) {
  const [name, setName] = useState("");
  const [owner, setOwner] = useState("");
  const [admin, setAdmin] = useState(false);
  const [lasting, setLasting] = useState(1);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ErrorFacts | null>(null);
  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (name.trim() === "" || busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const days = DAYS[lasting]?.days ?? null;
      onAdded(await tokenApi.add({ name: name.trim(), owner: owner.trim() || null, admin, days }));
    } catch (cause) {
      setProblem(factsOf(cause));
      setBusy(false);
    }
  };
  return (
    <form
      data-slot="token-form"
      aria-label="Add a token"
      onSubmit={(event) => void send(event)}
      onKeyDown={(event) => {
        if (event.key === "Escape") onCancel();
      }}
      className="space-y-3 rounded-lg border p-4"
    >
      <Field label="Name" help="Who or what it is for, as in: anna, laptop.">
        <Input autoFocus maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
      <Field label="Owner" help="Whose things it sees. Left empty: those of a person called as the token is.">
        <Input
          maxLength={60}
          value={owner}
          placeholder={name.trim()}
          onChange={(event) => setOwner(event.target.value)}
        />
      </Field>
      <Field label="Valid for">
        <select
          value={lasting}
          onChange={(event) => setLasting(Number(event.target.value))}
          className="h-8 w-fit rounded-md border border-input bg-transparent px-2 text-[13px] max-sm:h-10 max-sm:text-base [&>option]:bg-popover"
        >
          {DAYS.map(({ label }, at) => (
            <option key={label} value={at}>
              {label}
            </option>
          ))}
        </select>
      </Field>
      <label className="flex items-start gap-2 text-[13px]">
        <input
          type="checkbox"
          checked={admin}
          onChange={(event) => setAdmin(event.target.checked)}
          className="mt-0.5 size-4 accent-(--primary)"
        />
        <span>Administrator: may change models, endpoints, alerts and tokens, and see how Alma is</span>
      </label>
      {problem === null ? null : <Problem facts={problem} />}
      <div className="flex gap-2">
        <Button
          type="submit"
          size="sm"
          variant="primary"
          data-slot="make-token"
          className="max-sm:h-9"
          disabled={busy || name.trim() === ""}
        >
          {busy ? "Making it…" : "Make the token"}
        </Button>
        <Button size="sm" variant="ghost" className="max-sm:h-9" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
