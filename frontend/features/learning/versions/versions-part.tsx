"use client";

import { VersionEditor } from "@/features/learning/versions/version-editor";
import { VersionList } from "@/features/learning/versions/version-list";
import { VersionPage } from "@/features/learning/versions/version-page";
import { useView } from "@/hooks/use-session";
import { parseVersionPlace } from "@/lib/version-place";

/** What learning would change: all versions, one of them with its evidence, or one that is being written. */
export function VersionsPart() {
  const { item } = useView();
  const place = parseVersionPlace(item);
  if (place.show === "list") return <VersionList role={place.role} />;
  if (place.show === "version") return <VersionPage key={place.id} id={place.id} />;
  return <VersionEditor key={item} place={place} />;
}
