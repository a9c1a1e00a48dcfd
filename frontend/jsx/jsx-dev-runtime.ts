/** `jsx-runtime` for development and for tests. */

import { jsxDEV as element, Fragment } from "react/jsx-dev-runtime";
import { writtenOut } from "@/jsx/written-out";

export type { JSX } from "react";
export { Fragment };

export const jsxDEV: typeof element = (type, props, ...rest) =>
  element(type, writtenOut(type, props as never), ...rest);
