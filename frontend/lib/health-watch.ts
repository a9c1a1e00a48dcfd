/**
 * Watches how Alma is while the page is open: for the mark in the rail, and to tell administrators of alerts. Loaded
 * when the page works. Knows no React.
 */

import { type Alerts, type ErrorGroup, type Health, healthApi } from "@/lib/health-api";
import { isSilenced, standingOf } from "@/lib/health-words";
import { go, location } from "@/lib/location";
import type { FiringAlert } from "@/lib/protocol";
import { Remote } from "@/lib/remote";
import { session } from "@/lib/session";
import { standing } from "@/lib/standing";

const EVERY_MS = 30_000;
const WARNING_MS = 20_000;
/** What is critical stands until somebody has seen it, or it is over. */
const STAYS_MS = 24 * 3_600_000;
/** Of an alert that was seen as it came. */
const NO_NOTICE = 0;

export const health = new Remote<Health>((signal) => healthApi.health(false, signal));
export const alerts = new Remote<Alerts>((signal) => healthApi.alerts(signal));
export const errors = new Remote<readonly ErrorGroup[]>(
  async (signal) => (await healthApi.errors(signal)).groups,
);

/** By alert, the notice that tells of it. */
const told = new Map<string, number>();
/** Alerts that this tab need not tell of again, though it is loaded anew: warnings once told, the rest once seen. */
const SEEN = "alma.alerts.seen";
const MOST_SEEN = 100;

function seen(): readonly string[] {
  try {
    return (sessionStorage.getItem(SEEN) ?? "").split(" ");
  } catch {
    return []; // where storage is off, it is told of again
  }
}

function see(ids: readonly string[]): void {
  try {
    sessionStorage.setItem(SEEN, [...seen(), ...ids].slice(-MOST_SEEN).join(" "));
  } catch {
    // as above
  }
}

/** A notice that stands no longer was put away, acted upon, or has had its time. */
function noteSeen(firing: readonly FiringAlert[]): void {
  const standing = new Set(session.notices.items.get().map(({ id }) => id));
  const before = seen();
  const isNews = ({ id, severity }: FiringAlert): boolean => {
    const notice = told.get(id);
    if (notice === undefined || before.includes(id)) return false;
    return severity !== "critical" || !standing.has(notice);
  };
  const news = firing.filter(isNews).map(({ id }) => id);
  if (news.length > 0) see(news);
}

/** Who looks at Health sees what fires. */
function isOnHealth(): boolean {
  return location.get().page === "health";
}

function tellOf(firing: readonly FiringAlert[], now: number): void {
  const ids = new Set(firing.map(({ id }) => id));
  for (const [id, notice] of told) {
    if (ids.has(id) && !isOnHealth()) continue;
    session.notices.dismiss(notice);
    if (!ids.has(id)) told.delete(id);
  }
  const known = seen();
  for (const { id, severity, summary, silencedUntil } of firing) {
    const silenced = isSilenced(silencedUntil, now);
    const before = told.get(id);
    if (silenced && before !== undefined) session.notices.dismiss(before);
    if (silenced || severity === "info" || before !== undefined || known.includes(id)) continue;
    if (isOnHealth()) {
      told.set(id, NO_NOTICE);
      continue;
    }
    const isCritical = severity === "critical";
    const notice = session.notices.show(`${isCritical ? "Alert" : "Warning"}: ${summary}`, {
      tone: isCritical ? "error" : "info",
      action: { label: "Look at Health", run: () => go({ page: "health", part: "alerts", dialog: null }) },
      forMs: isCritical ? STAYS_MS : WARNING_MS,
    });
    told.set(id, notice);
  }
  noteSeen(firing);
}

const RESTART_MS = 60_000;

/** Says that the server goes away while it does, and no longer when it is back. */
function tellOfRestarts(): () => void {
  let notice: number | null = null;
  const look = (): void => {
    const { stopping } = session.connection.state.get();
    if (stopping === (notice !== null)) return;
    if (notice !== null) session.notices.dismiss(notice);
    const words = "Alma is restarting; when it is back, your runs go on or begin again.";
    notice = stopping ? session.notices.show(words, { forMs: RESTART_MS }) : null;
  };
  look();
  return session.connection.state.subscribe(look);
}

/** Gives back how to stop. */
export function watchHealth(): () => void {
  const judge = (): void => {
    const firing = session.alerts.get();
    standing.set(standingOf(health.state.get().value?.status ?? "ok", firing, Date.now()));
  };
  const hear = (): void => {
    tellOf(session.alerts.get(), Date.now());
    judge();
  };
  const stops = [
    health.state.subscribe(judge),
    session.alerts.subscribe(hear),
    session.notices.items.subscribe(() => noteSeen(session.alerts.get())),
    location.subscribe(() => {
      if (isOnHealth()) hear();
    }),
    health.follow(EVERY_MS),
    tellOfRestarts(),
  ];
  hear();
  return () => {
    for (const stop of stops) stop();
  };
}
