/** What is open of the experiments, as the address has it: all, a new one, one, or its answers to be judged. Pure. */

export type ExperimentPlace =
  | { readonly show: "list" }
  | { readonly show: "new" }
  | { readonly show: "one"; readonly id: string }
  | { readonly show: "judge"; readonly id: string };

/** `new`, `e_01`, `judge:e_01`. */
export function parseExperimentPlace(item: string | null): ExperimentPlace {
  const [first = "", id = ""] = (item ?? "").split(":");
  if (first === "new") return { show: "new" };
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
  }
}
