/** What is believed now of the ways to do a role's tasks, and what was chosen of late. Knows no React. */

import { request } from "@/lib/api";
import type { components } from "@/lib/protocol.gen";
import { Asked } from "@/lib/records";

type Schemas = components["schemas"];
export type Router = Schemas["RouterReply"];
export type Arm = Schemas["ArmReply"];
export type Chosen = Schemas["ChosenReply"];
export type Lately = Schemas["LatelyReply"];

export interface RouterQuery {
  readonly role: string;
  readonly context: string;
}

export const router = new Asked<RouterQuery, Router>(
  { role: "manager", context: "" },
  ({ role, context }, signal) =>
    request<Router>("GET", `/learning/router?${new URLSearchParams({ role, context })}`, undefined, signal),
);
