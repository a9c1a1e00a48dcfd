/**
 * React's own way from JSX to elements, but that text which deceives is written out on the way. `tsconfig.json` names it,
 * so that no component has to remember: what comes from models, tools, files and names is shown in too many places.
 */

import { jsx as element, jsxs as elements, Fragment } from "react/jsx-runtime";
import { writtenOut } from "@/jsx/written-out";

export type { JSX } from "react";
export { Fragment };

export const jsx: typeof element = (type, props, key) => element(type, writtenOut(type, props as never), key);
export const jsxs: typeof elements = (type, props, key) =>
  elements(type, writtenOut(type, props as never), key);
