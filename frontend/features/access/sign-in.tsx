"use client";

import { KeyRound } from "lucide-react";
import { type FormEvent, useEffect, useId, useState } from "react";
import { HintText } from "@/components/hint-text";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";
import { useNow } from "@/hooks/use-now";
import { usePart, useStore } from "@/hooks/use-store";
import { signIn } from "@/lib/access-api";
import { outsideWords } from "@/lib/access-words";
import { factsOf } from "@/lib/api";
import { outside } from "@/lib/entry";
import { waitMs } from "@/lib/limits";
import type { ErrorFacts } from "@/lib/protocol";
import { session } from "@/lib/session";

/** Stands over everything while the server does not let this page in. What was under way waits below it. */
export function SignIn() {
  const reason = useStore(outside);
  const wasInside = usePart(session.connection.state, ({ everOnline }) => everOnline);
  useEffect(() => {
    const before = document.title;
    document.title = "Sign in – Alma";
    return () => {
      document.title = before;
    };
  }, []);
  const why = reason === null ? null : outsideWords(reason, wasInside);
  return (
    <Dialog open={reason !== null}>
      <DialogContent
        data-slot="sign-in"
        title="Sign in"
        description={null}
        bare
        onEscapeKeyDown={(event) => event.preventDefault()}
        onInteractOutside={(event) => event.preventDefault()}
        className="z-50 overflow-y-auto bg-background sm:inset-0 sm:top-0 sm:left-0 sm:max-h-none sm:w-full sm:translate-x-0 sm:rounded-none sm:border-0 sm:shadow-none"
      >
        <main className="m-auto w-full max-w-[400px] px-6 py-12">
          <p className="font-semibold text-[22px] tracking-[-0.02em]">alma</p>
          {why === null ? null : (
            <p
              data-slot="sign-in-why"
              role="status"
              className="mt-6 rounded-md bg-caution-tint px-3 py-2 text-[13px]"
            >
              {why} {wasInside ? "Runs go on meanwhile, and what you were writing is kept." : null}
            </p>
          )}
          <h2 className="mt-6 font-semibold text-[15px]">Sign in</h2>
          <p className="mt-1 text-[13px] text-muted-foreground">
            This Alma asks who you are. Paste the access token that you were given.
          </p>
          <TokenForm />
          <details className="mt-8 border-t pt-4 text-[13px] text-muted-foreground">
            <summary className="w-fit hover:text-foreground">Where does a token come from?</summary>
            <p className="mt-2">
              <HintText text="Whoever runs this Alma makes one for you, with `alma tokens add NAME` on its machine or on the page under Health, Tokens. It is shown once, and looks like `alma_…`." />
            </p>
            <p className="mt-2">
              It is exchanged for a cookie, and neither kept in this page nor put into an address.
            </p>
          </details>
        </main>
      </DialogContent>
    </Dialog>
  );
}

/** As password managers know it: a name, a password, and a form that is sent. */
function TokenForm() {
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ facts: ErrorFacts; until: number } | null>(null);
  const id = useId();
  const now = useNow();
  const seconds = problem === null ? 0 : Math.max(0, Math.ceil((problem.until - now) / 1000));
  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (token.trim() === "" || busy || seconds > 0) return;
    setBusy(true);
    setProblem(null);
    try {
      await signIn(token);
    } catch (cause) {
      const facts = factsOf(cause);
      const wait = waitMs(facts);
      setProblem({ facts, until: wait > 0 ? Date.now() + wait : 0 });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      method="post"
      action="/api/session"
      onSubmit={(event) => void send(event)}
      className="mt-4 space-y-3"
    >
      <input
        type="text"
        name="username"
        autoComplete="username"
        defaultValue="alma"
        readOnly
        tabIndex={-1}
        aria-hidden
        className="sr-only"
      />
      <label htmlFor={id} className="block text-[13px]">
        Access token
      </label>
      <Input
        id={id}
        autoFocus
        type="password"
        name="token"
        data-slot="token-field"
        autoComplete="current-password"
        autoCapitalize="off"
        spellCheck={false}
        maxLength={300}
        value={token}
        aria-invalid={problem !== null || undefined}
        aria-describedby={problem === null ? undefined : `${id}-problem`}
        onChange={(event) => setToken(event.target.value)}
        className="h-10 font-mono"
      />
      {problem === null ? null : (
        <div
          id={`${id}-problem`}
          data-slot="sign-in-problem"
          data-code={problem.facts.code}
          role="alert"
          className="space-y-1 text-[13px]"
        >
          <p className="text-destructive">
            <HintText text={problem.facts.message} />
          </p>
          {problem.facts.hint ? (
            <p className="text-muted-foreground">
              <HintText text={problem.facts.hint} />
            </p>
          ) : null}
        </div>
      )}
      <Button
        type="submit"
        variant="primary"
        data-slot="sign-in-send"
        disabled={busy || token.trim() === "" || seconds > 0}
        className="h-10 w-full tabular-nums"
      >
        <KeyRound aria-hidden />
        {busy ? "Signing in…" : seconds > 0 ? `Sign in again in ${seconds} s` : "Sign in"}
      </Button>
    </form>
  );
}
