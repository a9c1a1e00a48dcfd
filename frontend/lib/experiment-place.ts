/** What is open of the experiments, as the address has it: all, a new one, one, or its answers to be judged, two side by side. Pure. */

export type ExperimentPlace =
  | { readonly show: "list" }
  | { readonly show: "new" }
  | { readonly show: "one"; readonly id: string }
  | { readonly show: "judge"; readonly id: string }
  | { readonly show: "compare"; readonly a: string; readonly b: string };

/** `new`, `e_01`, `judge:e_01`, `compare:e_01:e_02`; of two that are to be chosen yet, an id may be empty. */
export function parseExperimentPlace(item: string | null): ExperimentPlace {
  const [first = "", id = "", other = ""] = (item ?? "").split(":");
  if (first === "new") return { show: "new" };
  if (first === "compare") return { show: "compare", a: id, b: other };
  if (first === "judge" && id !== "") return { show: "judge", id };
  return first === "" ? { show: "list" } : { show: "one", id: first };
}

export function formatExperimentPlace(place: ExperimentPlace): string | null {
  switch (place.show) {
    case "list":
      return null;
    case "new":
      return "new";
    case "one":
      return place.id;
    case "judge":
      return `judge:${place.id}`;
    case "compare":
      return `compare:${place.a}:${place.b}`;
  }
}
