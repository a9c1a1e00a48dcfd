import { type ComponentType, createElement, lazy, Suspense } from "react";
import { patiently } from "@/lib/patient-import";

/** A part of the page that is loaded when it is first shown; nothing stands in its place until it is there. */
export function lazily<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  const Part = lazy(() =>
    patiently(load).then((part) => ({ default: part })),
  ) as unknown as ComponentType<Props>;
  return (props) => <Suspense fallback={null}>{createElement(Part, props)}</Suspense>;
}
