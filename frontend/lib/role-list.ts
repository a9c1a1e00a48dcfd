/** The roles that a task can be given to. Asked for when first needed; the shipped ones until then. Knows no React. */

import { type AgentInfo, api } from "@/lib/api";
import { type Readable, writable } from "@/lib/store";

const SHIPPED: readonly AgentInfo[] = ["researcher", "analyst", "writer", "coder", "critic"].map((name) => ({
  name,
  purpose: "",
}));

export class RoleList {
  private readonly store = writable<readonly AgentInfo[]>(SHIPPED);
  readonly state: Readable<readonly AgentInfo[]> = this.store;

  async load(): Promise<void> {
    try {
      const { agents } = await api.agents();
      if (agents.length > 0) this.store.set(agents);
    } catch {
      // A plan can still be read and approved; a role that is not there is refused by the server.
    }
  }
}
