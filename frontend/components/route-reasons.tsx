import type { ReactNode } from "react";
import { KIND_LABEL } from "@/lib/format";
import type { Neighbour, Route } from "@/lib/protocol";

/** Why a task was treated as it was: in words, and by the examples that voted. */
export function RouteReasons({ route }: { route: Route }) {
  return (
    <div data-slot="route-reasons" className="space-y-3 text-[13px]">
      <p>{inWords(route)}</p>
      {route.neighbours.length > 0 ? (
        <ol className="space-y-1.5">
          {route.neighbours.map((neighbour, at) => (
            <Example key={at} neighbour={neighbour} agrees={neighbour.kind === route.kind} />
          ))}
        </ol>
      ) : null}
      <p className="text-faint-foreground text-xs tabular-nums">
        Role {route.role}, temperature {route.sampling.temperature}, at most {route.sampling.max_tokens}{" "}
        tokens
      </p>
    </div>
  );
}

function inWords(route: Route): ReactNode {
  const kind = <strong className="font-semibold">{KIND_LABEL[route.kind].toLowerCase()}</strong>;
  switch (route.source) {
    case "user":
      return <>You asked for a {kind} answer.</>;
    case "default":
      return <>No example was close enough, so it was treated as {kind}.</>;
    case "examples":
      return <>Treated as {kind}, like the examples that are closest to it:</>;
  }
}

function Example({ neighbour, agrees }: { neighbour: Neighbour; agrees: boolean }) {
  const share = Math.max(0, Math.min(1, neighbour.score));
  return (
    <li className="grid grid-cols-[1fr_auto] items-baseline gap-x-3">
      <span className="line-clamp-2 min-w-0 text-muted-foreground" title={neighbour.text}>
        {neighbour.text}
        {neighbour.source === "correction" ? <span className="text-primary"> · from you</span> : null}
      </span>
      <span className="text-faint-foreground text-xs tabular-nums">
        {agrees ? "" : `${KIND_LABEL[neighbour.kind].toLowerCase()} `}
        {neighbour.score.toFixed(2)}
      </span>
      <span aria-hidden className="col-span-2 mt-0.5 h-0.5 rounded-full bg-muted">
        <span
          className={agrees ? "block h-full rounded-full bg-primary" : "block h-full rounded-full bg-input"}
          style={{ width: `${share * 100}%` }}
        />
      </span>
    </li>
  );
}
