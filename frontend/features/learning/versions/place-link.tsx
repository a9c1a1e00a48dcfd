"use client";

import type { ComponentProps, MouseEvent } from "react";
import { addressOf, go, HOME } from "@/lib/location";
import { formatVersionPlace, type VersionPlace } from "@/lib/version-place";

interface PlaceLinkProps extends Omit<ComponentProps<"a">, "href" | "onClick"> {
  place: VersionPlace;
}

export function goToVersions(place: VersionPlace): void {
  go({ part: "versions", item: formatVersionPlace(place) });
}

/** The way to a version, to a list of them or to an editor. */
export function PlaceLink({ place, ...props }: PlaceLinkProps) {
  const clicked = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    goToVersions(place);
  };
  const item = formatVersionPlace(place);
  return (
    <a href={addressOf({ ...HOME, page: "learning", part: "versions", item })} onClick={clicked} {...props} />
  );
}
