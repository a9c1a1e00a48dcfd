import { ShieldCheck } from "lucide-react";
import { ConfirmButton } from "@/components/confirm-button";
import { useNow } from "@/hooks/use-now";
import { usePart } from "@/hooks/use-store";
import { type AccessToken, tokenApi } from "@/lib/access-api";
import { endsSoon, endWords, tokenState, usedWords } from "@/lib/access-words";
import { factsOf } from "@/lib/api";
import { cn } from "@/lib/cn";
import { session } from "@/lib/session";

interface TokenRowProps {
  token: AccessToken;
  onRevoked: (token: AccessToken) => void;
}

/** A token: whose it is, what it may, when it was used and how long it holds. */
export function TokenRow({ token, onRevoked }: TokenRowProps) {
  const now = useNow();
  const mine = usePart(session.connection.state, ({ welcome }) => welcome?.token === token.name);
  const state = tokenState(token, now);
  const revoke = async (): Promise<void> => {
    try {
      onRevoked(await tokenApi.revoke(token.id));
    } catch (cause) {
      session.notices.error(factsOf(cause));
    }
  };
  return (
    <li
      data-slot="token"
      data-name={token.name}
      data-state={state}
      className={cn(
        "flex flex-wrap items-center gap-x-4 gap-y-1 py-3 text-[13px]",
        state !== "valid" && "text-muted-foreground",
      )}
    >
      <div className="min-w-0 flex-1 basis-60">
        <p className="flex flex-wrap items-center gap-x-2">
          <span className="break-all font-medium">{token.name}</span>
          {token.admin ? (
            <span className="inline-flex items-center gap-1 text-muted-foreground text-xs">
              <ShieldCheck aria-hidden className="size-3.5" />
              administrator
            </span>
          ) : null}
          {mine ? <span className="text-muted-foreground text-xs">this browser</span> : null}
        </p>
        <p className="text-faint-foreground text-xs leading-5">
          {token.owner === token.name ? "" : `of ${token.owner} · `}
          {usedWords(token, now)} ·{" "}
          <span className={cn(state === "valid" && endsSoon(token, now) && "text-caution")}>
            {endWords(token, now)}
          </span>
        </p>
      </div>
      {state === "valid" ? (
        <ConfirmButton
          size="sm"
          variant="ghost"
          data-slot="revoke-token"
          className="max-sm:h-9"
          question={
            mine ? "Revoke it? This page is signed out with it." : "Revoke it? Who shows it is out at once."
          }
          confirm="Revoke"
          onConfirm={() => void revoke()}
        >
          Revoke
        </ConfirmButton>
      ) : null}
    </li>
  );
}
