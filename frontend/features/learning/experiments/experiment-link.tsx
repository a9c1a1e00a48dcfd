"use client";

import type { ComponentProps, MouseEvent } from "react";
import { type ExperimentPlace, formatExperimentPlace } from "@/lib/experiment-place";
import { addressOf, go, HOME } from "@/lib/location";

interface ExperimentLinkProps extends Omit<ComponentProps<"a">, "href" | "onClick"> {
  place: ExperimentPlace;
}

export function goToExperiments(place: ExperimentPlace, how: "push" | "replace" = "push"): void {
  go({ part: "experiments", item: formatExperimentPlace(place) }, how);
}

/** The way to an experiment, to all of them or to a new one. */
export function ExperimentLink({ place, ...props }: ExperimentLinkProps) {
  const clicked = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    goToExperiments(place);
  };
  const item = formatExperimentPlace(place);
  return (
    <a
      href={addressOf({ ...HOME, page: "learning", part: "experiments", item })}
      onClick={clicked}
      {...props}
    />
  );
}
