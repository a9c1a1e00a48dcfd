/** What the page says of access tokens, and of why one is not let in. Pure. */

import type { AccessToken } from "@/lib/access-api";
import type { ErrorFacts } from "@/lib/protocol";

export type TokenState = "valid" | "expired" | "revoked";

const DAY_S = 86_400;
/** From so many days on before its end, a token is marked. */
const SOON_DAYS = 7;

export function tokenState(token: AccessToken, now: number): TokenState {
  if (token.revokedAt !== null) return "revoked";
  return token.expiresAt !== null && token.expiresAt * 1000 <= now ? "expired" : "valid";
}

/** Those that let somebody in come first, then by when they were made. */
export function tokensInOrder(tokens: readonly AccessToken[], now: number): AccessToken[] {
  const rank = (token: AccessToken): number => (tokenState(token, now) === "valid" ? 0 : 1);
  return [...tokens].sort((one, other) => rank(one) - rank(other) || other.createdAt - one.createdAt);
}

function dayWords(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
}

/** `expires in 89 days`, `expires today` (within half a day), `does not expire`, `expired on 3 Mar 2026`, `revoked on 3 Mar 2026` */
export function endWords(token: AccessToken, now: number): string {
  const { expiresAt, revokedAt } = token;
  if (revokedAt !== null) return `revoked on ${dayWords(revokedAt)}`;
  if (expiresAt === null) return "does not expire";
  if (expiresAt * 1000 <= now) return `expired on ${dayWords(expiresAt)}`;
  const days = Math.round((expiresAt - now / 1000) / DAY_S);
  if (days < 1) return "expires today";
  return `expires in ${days === 1 ? "1 day" : `${days} days`}`;
}

export function endsSoon(token: AccessToken, now: number): boolean {
  return token.expiresAt !== null && token.expiresAt - now / 1000 < SOON_DAYS * DAY_S;
}

/** `used just now`, `used 3 hours ago`, `never used` */
export function usedWords({ usedAt }: AccessToken, now: number): string {
  if (usedAt <= 0) return "never used";
  const seconds = Math.max(0, now / 1000 - usedAt);
  if (seconds < 60) return "used just now";
  const [value, unit] =
    seconds < 3600
      ? [seconds / 60, "minute"]
      : seconds < DAY_S
        ? [seconds / 3600, "hour"]
        : [seconds / DAY_S, "day"];
  const whole = Math.floor(value as number);
  return `used ${whole} ${unit}${whole === 1 ? "" : "s"} ago`;
}

/** Why the sign-in screen is there, for who was here before; `null`: they were not. */
export function outsideWords({ code }: ErrorFacts, wasInside: boolean): string | null {
  if (code === "token_revoked") return "Your access token was revoked, so this page was signed out.";
  if (code === "token_expired") return "Your access has expired, so this page was signed out.";
  return wasInside ? "This page is signed in no longer." : null;
}
