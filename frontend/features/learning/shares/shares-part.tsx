"use client";

import { useEffect } from "react";
import { AgentDot } from "@/components/agent-dot";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { ShareLines } from "@/features/learning/shares/share-lines";
import { useStore } from "@/hooks/use-store";
import { agentColourVar } from "@/lib/agent-colour";
import { plural } from "@/lib/format";
import { placeOf, type RoleShare, rolesOf, type Store, shares } from "@/lib/shares";

const EVERY_MS = 2_000;
const MIB = 1024 * 1024;

/** Who gets how much of the turns, which caches get how much room, and why; live. */
export function SharesPart() {
  const { value, error } = useStore(shares.state);
  useEffect(() => shares.follow(EVERY_MS), []);
  if (error !== null && value === null)
    return (
      <Problem facts={error}>
        <Button size="sm" onClick={() => void shares.load()}>
          Try again
        </Button>
      </Problem>
    );
  if (value === null) return null;
  if (!value.on)
    return (
      <p className="text-muted-foreground text-sm">
        Learning is off, so shares are equal and stay so. Start Alma with ALMA_LEARNING=true to let them
        follow.
      </p>
    );
  return (
    <>
      <section aria-labelledby="shares-roles" className="space-y-3">
        <h2 id="shares-roles" className="font-medium text-sm">
          Turns of roles
        </h2>
        <p className="text-[13px] text-muted-foreground">
          Where tasks wait, a role gets from half to twice an equal share: by how much it is wanted, and by
          what its results were worth. Nobody waits for good, whatever the shares are.
        </p>
        {value.roles.length === 0 ? (
          <p data-slot="no-shares" className="text-muted-foreground text-sm">
            Nothing is at work just now, so all shares are equal.
          </p>
        ) : (
          <ul className="divide-y border-y">
            {value.roles.map((role) => (
              <RoleRow key={role.role} role={role} />
            ))}
          </ul>
        )}
      </section>
      {value.history.length > 1 ? <ShareLines history={value.history} roles={rolesOf(value)} /> : null}
      {value.stores.length > 0 ? (
        <section aria-labelledby="shares-stores" className="space-y-3">
          <h2 id="shares-stores" className="font-medium text-sm">
            Room of caches
          </h2>
          <ul className="divide-y border-y">
            {value.stores.map((store) => (
              <StoreRow
                key={store.name}
                store={store}
                whole={Math.max(...value.stores.map((one) => one.most))}
              />
            ))}
          </ul>
        </section>
      ) : null}
    </>
  );
}

function RoleRow({ role }: { role: RoleShare }) {
  const place = placeOf(role.weight);
  return (
    <li data-slot="role-share" data-role={role.role} className="space-y-1.5 py-3">
      <div className="flex flex-wrap items-baseline gap-x-3 text-[13px]">
        <span className="flex items-center gap-2 font-medium">
          <AgentDot role={role.role} />
          {role.role}
        </span>
        <span className="tabular-nums">{role.weight.toFixed(2)} × an equal share</span>
        <span className="ml-auto text-muted-foreground text-xs tabular-nums">
          {plural(role.active, "task")} at work, {role.queued} waiting
          {role.waitS >= 0.1 ? `, ${role.waitS.toFixed(1)} s each` : ""}
          {role.warm ? " · prompt kept ready" : ""}
        </span>
      </div>
      <div className="relative h-1.5 overflow-hidden rounded-full bg-muted" aria-hidden>
        <div
          className="h-full rounded-full transition-[width] motion-reduce:transition-none"
          style={{ width: `${100 * place}%`, background: agentColourVar(role.role) }}
        />
        <div className="absolute inset-y-0 left-1/2 w-px bg-foreground/40" />
      </div>
      <p className="text-muted-foreground text-xs">{role.why}</p>
    </li>
  );
}

function StoreRow({ store, whole }: { store: Store; whole: number }) {
  const size = (bytes: number): string => (bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0);
  return (
    <li data-slot="store-room" className="space-y-1.5 py-3">
      <div className="flex flex-wrap items-baseline gap-x-3 text-[13px]">
        <span className="font-medium first-letter:uppercase">{store.name}</span>
        <span className="tabular-nums">
          {size(store.used)} of {size(store.most)} MiB
        </span>
        <span className="ml-auto text-muted-foreground text-xs tabular-nums">
          {store.hitRate === null
            ? "not asked yet"
            : `${Math.round(100 * store.hitRate)} % of ${(store.hits + store.misses).toLocaleString("en")} found`}
          , at least {size(store.floor)} MiB
        </span>
      </div>
      <div className="h-1.5 overflow-hidden rounded-full bg-muted" aria-hidden>
        <div
          className="h-full rounded-full bg-primary/30"
          style={{ width: `${(100 * store.most) / whole}%` }}
        >
          <div
            className="h-full rounded-full bg-primary"
            style={{ width: `${Math.min((100 * store.used) / Math.max(store.most, 1), 100)}%` }}
          />
        </div>
      </div>
      <p className="text-muted-foreground text-xs">{store.why}</p>
    </li>
  );
}
