/** The parts of the page, in their order; each is loaded when it is opened. A part that is not named here is not listed. */

import type { ComponentType } from "react";
import { lazily } from "@/components/lazily";

export interface LearningPart {
  readonly id: "records" | "router" | "versions" | "lessons" | "experiments" | "shares" | "lab";
  readonly label: string;
  readonly View: ComponentType;
}

export const PARTS: readonly LearningPart[] = [
  {
    id: "records",
    label: "Records",
    View: lazily(() =>
      import("@/features/learning/records/records-part").then((module) => module.RecordsPart),
    ),
  },
  {
    id: "router",
    label: "Choosing",
    View: lazily(() => import("@/features/learning/router/router-part").then((module) => module.RouterPart)),
  },
  {
    id: "versions",
    label: "Versions",
    View: lazily(() =>
      import("@/features/learning/versions/versions-part").then((module) => module.VersionsPart),
    ),
  },
  {
    id: "lessons",
    label: "Lessons",
    View: lazily(() =>
      import("@/features/learning/lessons/lessons-part").then((module) => module.LessonsPart),
    ),
  },
  {
    id: "experiments",
    label: "Experiments",
    View: lazily(() =>
      import("@/features/learning/experiments/experiments-part").then((module) => module.ExperimentsPart),
    ),
  },
  {
    id: "shares",
    label: "Shares",
    View: lazily(() => import("@/features/learning/shares/shares-part").then((module) => module.SharesPart)),
  },
  {
    id: "lab",
    label: "Lab",
    View: lazily(() => import("@/features/learning/lab/lab-part").then((module) => module.LabPart)),
  },
];

export function partOf(name: string | null): LearningPart | undefined {
  return PARTS.find(({ id }) => id === name) ?? PARTS[0];
}
