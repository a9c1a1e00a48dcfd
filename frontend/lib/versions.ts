/** The versions that are looked at, and the one that is open. Knows no React. */

import { Remote } from "@/lib/remote";
import { type Version, type VersionDossier, versionsApi, type What } from "@/lib/versions-api";

export const versions = new Remote<readonly Version[]>(
  async (signal) => (await versionsApi.list(signal)).versions,
);

let open = "";
export const dossier = new Remote<VersionDossier>((signal) => versionsApi.read(open, signal));

/** Which one is looked at from now on. Gives back how to stop. */
export function followVersion(id: string, everyMs: number): () => void {
  open = id;
  return dossier.follow(everyMs);
}

/** What acts now, word for word: the version that is promoted, else the role's file; of notes and routes nothing. */
export async function activeContent(what: What, role: string): Promise<string> {
  const { versions: all } = await versionsApi.list();
  const active = all.find((one) => one.what === what && one.of === role && one.stage === "promoted");
  if (active !== undefined) return (await versionsApi.read(active.id)).content;
  return what === "prompt" ? versionsApi.source(role) : what === "notes" ? "[]" : "{}";
}
