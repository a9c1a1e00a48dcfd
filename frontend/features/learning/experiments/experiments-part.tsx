"use client";

import { Compared } from "@/features/learning/experiments/compared";
import { ExperimentEditor } from "@/features/learning/experiments/experiment-editor";
import { ExperimentList } from "@/features/learning/experiments/experiment-list";
import { ExperimentPage } from "@/features/learning/experiments/experiment-page";
import { Judging } from "@/features/learning/experiments/judging";
import { useView } from "@/hooks/use-session";
import { parseExperimentPlace } from "@/lib/experiment-place";

/** The same tasks done in several ways: all experiments, a new one, one of them, its answers to be judged, or two side by side. */
export function ExperimentsPart() {
  const place = parseExperimentPlace(useView().item);
  switch (place.show) {
    case "list":
      return <ExperimentList />;
    case "new":
      return <ExperimentEditor />;
    case "one":
      return <ExperimentPage key={place.id} id={place.id} />;
    case "judge":
      return <Judging key={place.id} id={place.id} />;
    case "compare":
      return <Compared a={place.a} b={place.b} />;
  }
}
