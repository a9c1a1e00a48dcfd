/** Endpoints in words: how they stand, what they bear, what they cost; and aliases as a person writes them. Pure. */

import type { EndpointInfo, Price } from "@/lib/api";
import { clockSeconds, money } from "@/lib/format";

export interface EndpointState {
  readonly words: string;
  readonly tone: "good" | "busy" | "bad" | "plain";
}

const STATES: Readonly<Record<string, EndpointState>> = {
  ready: { words: "ready", tone: "good" },
  starting: { words: "starting", tone: "busy" },
  restarting: { words: "restarting", tone: "busy" },
  down: { words: "down", tone: "bad" },
  failed: { words: "down", tone: "bad" },
};

/** `now`: ms. Whether calls get through comes before how it was last seen. */
export function endpointState(endpoint: EndpointInfo, now: number): EndpointState {
  const { breaker, retryAt, state } = endpoint;
  if (breaker === "half_open") return { words: "the next call tries it", tone: "busy" };
  if (breaker === "open") {
    const until = retryAt * 1000;
    const words =
      until > now
        ? `resting until ${clockSeconds(until)}, then one call to try`
        : "rested; the next call is to try";
    return { words, tone: "bad" };
  }
  return STATES[state] ?? { words: state === "unknown" ? "not asked yet" : state, tone: "plain" };
}

/** `3 of 8`, `3` where no limit is known. */
export function loadWords({ active, limit }: Pick<EndpointInfo, "active" | "limit">): string {
  return limit > 0 ? `${active} of ${limit}` : String(active);
}

/** `$0.59 in, $0.79 out`; `null`: none is known. */
export function priceWords({ input, output }: Price): string | null {
  return input === 0 && output === 0 ? null : `${money(input)} in, ${money(output)} out`;
}

/** Lines or pieces of the form `its name = our name`. What is no such pair is given back as `wrong`. */
export function parseAliases(text: string): { aliases: Record<string, string>; wrong: string | null } {
  const aliases: Record<string, string> = {};
  for (const piece of text.split(/[\n,]/)) {
    if (piece.trim() === "") continue;
    const [served = "", offered = "", ...rest] = piece.split("=").map((part) => part.trim());
    if (served === "" || offered === "" || rest.length > 0) return { aliases, wrong: piece.trim() };
    aliases[served] = offered;
  }
  return { aliases, wrong: null };
}

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1\])$/;

/** An address with its scheme; one that is typed without is plain on this machine, and encrypted elsewhere. */
export function fullAddress(typed: string): string {
  const address = typed.trim();
  if (address === "" || /^[a-z][a-z0-9+.-]*:\/\//i.test(address)) return address;
  const host = urlOf(`http://${address}`)?.hostname ?? "";
  return `${LOOPBACK.test(host) ? "http" : "https"}://${address}`;
}

function urlOf(address: string): URL | null {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}

/** A name for a service, from its address: `https://llm.example.org/v1` → `llm-example-org`; here, `local-8080`. */
export function nameOfAddress(address: string): string {
  const url = urlOf(fullAddress(address));
  if (url === null) return "";
  if (LOOPBACK.test(url.hostname)) return url.port === "" ? "local" : `local-${url.port}`;
  return url.host.replace(/[^a-z0-9]+/gi, "-").toLowerCase();
}
