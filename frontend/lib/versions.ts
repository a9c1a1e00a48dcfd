/** The versions that are looked at, and the one that is open. Knows no React. */

import { Remote } from "@/lib/remote";
import { type Version, type VersionDossier, versionsApi, type What } from "@/lib/versions-api";

export const versions = new Remote<readonly Version[]>(
  async (signal) => (await versionsApi.list(signal)).versions,
);

/** What people call a version of this content; empty where they gave it no name, or none is known. */
export function titleOfHash(
  known: readonly Version[] | null,
  { what, of, hash }: Pick<Version, "what" | "of" | "hash">,
): string {
  const named = known?.find(
    (one) => one.what === what && one.of === of && one.hash === hash && one.title !== "",
  );
  return named?.title ?? "";
}

let open: { readonly id: string; readonly dossier: Remote<VersionDossier> } | null = null;

/** All of one version; that which was open before is let go. */
export function dossierOf(id: string): Remote<VersionDossier> {
  if (open?.id !== id)
    open = { id, dossier: new Remote<VersionDossier>((signal) => versionsApi.read(id, signal)) };
  return open.dossier;
}

/** What acts now, word for word: the version that is promoted, else the role's file; of notes and routes nothing. */
export async function activeContent(what: What, role: string): Promise<string> {
  const { versions: all } = await versionsApi.list();
  const active = all.find((one) => one.what === what && one.of === role && one.stage === "promoted");
  if (active !== undefined) return (await versionsApi.read(active.id)).content;
  return what === "prompt" ? versionsApi.source(role) : what === "notes" ? "[]" : "{}";
}
