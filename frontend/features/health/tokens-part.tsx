import { KeyRound } from "lucide-react";
import { useEffect, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { AddToken } from "@/features/health/add-token";
import { NewSecret } from "@/features/health/new-secret";
import { TokenRow } from "@/features/health/token-row";
import { useNow } from "@/hooks/use-now";
import { useStore } from "@/hooks/use-store";
import { type AccessToken, type NewAccessToken, tokenApi } from "@/lib/access-api";
import { tokensInOrder } from "@/lib/access-words";
import { plural } from "@/lib/format";
import { Remote } from "@/lib/remote";

const tokens = new Remote<readonly AccessToken[]>(async (signal) => (await tokenApi.list(signal)).tokens);

/** Who may enter: a token each. */
export function TokensPart() {
  const { value, error, loading } = useStore(tokens.state);
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<NewAccessToken | null>(null);
  const now = useNow();
  useEffect(() => void tokens.load(), []);
  const added = (token: NewAccessToken): void => {
    setAdding(false);
    setMade(token);
    const { secret: _, ...listed } = token;
    tokens.change((before) => [listed, ...before]);
  };
  const revoked = (token: AccessToken): void => {
    tokens.change((before) => before.map((other) => (other.id === token.id ? token : other)));
    if (made?.id === token.id) setMade(null);
  };
  return (
    <section aria-label="Access tokens" className="space-y-5">
      <div className="flex flex-wrap items-start gap-3">
        <p className="min-w-60 flex-1 text-[13px] text-muted-foreground">
          Whoever shows a token sees its owner's chats, memories and files, and nobody else's. An
          administrator's also opens what everybody shares.
        </p>
        {adding ? null : (
          <Button size="sm" data-slot="add-token" className="max-sm:h-9" onClick={() => setAdding(true)}>
            <KeyRound aria-hidden className="!size-3.5" />
            Add a token
          </Button>
        )}
      </div>
      {adding ? <AddToken onAdded={added} onCancel={() => setAdding(false)} /> : null}
      {made === null ? null : <NewSecret token={made} onDone={() => setMade(null)} />}
      {error === null ? null : (
        <Problem facts={error}>
          <Button size="sm" onClick={() => void tokens.load()}>
            Try again
          </Button>
        </Problem>
      )}
      {value === null && error === null && loading ? (
        <p className="text-faint-foreground text-sm">Looking…</p>
      ) : null}
      {value?.length === 0 ? (
        <p data-slot="no-tokens" className="text-[15px]">
          There are no tokens: only this machine may enter.
        </p>
      ) : null}
      {value && value.length > 0 ? (
        <div>
          <h2 className="border-b pb-2 text-muted-foreground text-xs">{plural(value.length, "token")}</h2>
          <ul data-slot="tokens" className="divide-y border-b">
            {tokensInOrder(value, now).map((token) => (
              <TokenRow key={token.id} token={token} onRevoked={revoked} />
            ))}
          </ul>
        </div>
      ) : null}
    </section>
  );
}
