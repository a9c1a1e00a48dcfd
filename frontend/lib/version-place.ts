/** What is open of the versions, as the address has it: all or a role's, one of them, or an editor. Pure. */

import type { What } from "@/lib/versions-api";

export type VersionPlace =
  | { readonly show: "list"; readonly role: string }
  | { readonly show: "version"; readonly id: string }
  | { readonly show: "edit"; readonly id: string }
  | { readonly show: "new"; readonly what: What; readonly role: string };

const WHATS: readonly string[] = ["prompt", "notes", "policy"] satisfies What[];

/** `writer`, `v:v_01`, `edit:v_01`, `new:notes:writer`. */
export function parseVersionPlace(item: string | null): VersionPlace {
  const [first = "", second = "", ...rest] = (item ?? "").split(":");
  if (first === "v" && second !== "") return { show: "version", id: second };
  if (first === "edit" && second !== "") return { show: "edit", id: second };
  const role = rest.join(":");
  if (first === "new" && WHATS.includes(second) && role !== "")
    return { show: "new", what: second as What, role };
  return { show: "list", role: item?.includes(":") ? "" : first };
}

export function formatVersionPlace(place: VersionPlace): string | null {
  switch (place.show) {
    case "list":
      return place.role || null;
    case "version":
      return `v:${place.id}`;
    case "edit":
      return `edit:${place.id}`;
    case "new":
      return `new:${place.what}:${place.role}`;
  }
}
