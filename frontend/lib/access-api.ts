/** Signing in and out, and access tokens. Loaded when it is needed. Knows no React. */

import { request } from "@/lib/api";
import { outside } from "@/lib/entry";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];

export type Session = Schemas["SessionReply"];
export type AccessToken = Schemas["TokenReply"];
export type NewAccessToken = Schemas["NewTokenReply"];
export type TokenWish = Schemas["NewToken"];

/** Lets this browser in; what was under way goes on. The token itself is kept nowhere: the server gives a cookie. */
export async function signIn(token: string): Promise<Session> {
  const session = await request<Session>("POST", "/session", { token: token.trim() });
  outside.set(null);
  return session;
}

/** Nothing of who was here stays in this tab. */
export async function signOut(): Promise<void> {
  await request<void>("DELETE", "/session");
  try {
    sessionStorage.clear();
  } catch {
    // There was nothing to keep it in.
  }
  window.location.replace("/");
}

export const tokenApi = {
  list: (signal?: AbortSignal) => request<{ tokens: AccessToken[] }>("GET", "/tokens", undefined, signal),
  add: (wish: TokenWish) => request<NewAccessToken>("POST", "/tokens", wish),
  revoke: (id: string) => request<AccessToken>("DELETE", `/tokens/${encodeURIComponent(id)}`),
};
