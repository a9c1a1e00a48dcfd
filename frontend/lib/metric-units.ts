/** Measured values as people read them, by their unit: ms, s, /s, count, MiB, %, USD, tokens/s, tokens. Pure. */

import { money } from "@/lib/format";

/** `number` and `unit` apart, where they are set in two sizes; `unit` may be empty. */
export interface Written {
  readonly number: string;
  readonly unit: string;
}

const NONE = "–";

/** `840`, `12.4 k`, `1.2 M`, and small ones with what counts: `0.25`, `3.5`. */
function amount(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${digits(value / 1e9)} G`;
  if (size >= 1e6) return `${digits(value / 1e6)} M`;
  if (size >= 1e4) return `${digits(value / 1e3)} k`;
  return digits(value);
}

/** Three digits that count, no zeros at the end. */
function digits(value: number): string {
  const size = Math.abs(value);
  const places = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return Number(value.toFixed(places)).toLocaleString("en", { maximumFractionDigits: places });
}

function time(ms: number): Written {
  const size = Math.abs(ms);
  if (size < 1_000) return { number: digits(ms), unit: "ms" };
  if (size < 120_000) return { number: (ms / 1_000).toFixed(size < 9_995 ? 2 : 1), unit: "s" };
  return { number: digits(ms / 60_000), unit: "min" };
}

export function written(value: number | null | undefined, unit: string): Written {
  if (value === null || value === undefined || !Number.isFinite(value)) return { number: NONE, unit: "" };
  switch (unit) {
    case "ms":
      return time(value);
    case "s":
      return time(value * 1_000);
    case "USD":
      return { number: money(value), unit: "" };
    case "MiB":
      return value >= 1_024
        ? { number: digits(value / 1_024), unit: "GiB" }
        : { number: digits(value), unit };
    case "%":
      return { number: value > 0 && value < 1 ? "< 1" : String(Math.round(value)), unit };
    case "count":
      return { number: amount(value), unit: "" };
    case "tokens":
    case "tokens/s":
    case "/s":
      return { number: amount(value), unit };
    default:
      return { number: amount(value), unit };
  }
}

/** `420 ms`, `1.24 s`, `12.4 k`, `34 %`, `$0.42`, `96 tokens/s`, `2.5 /s`; `–` where there is none. */
export function measure(value: number | null | undefined, unit: string): string {
  const { number, unit: after } = written(value, unit);
  return after === "" ? number : `${number} ${after}`;
}

/** On an axis: without what its title says already. `0`, `500 ms`, `1.5 s`, `20 s`, `2 GiB`, `40 %`, `1.2 k`. */
export function tick(value: number, unit: string): string {
  if (value === 0) return "0";
  if (unit === "ms") return value < 1_000 ? `${digits(value)} ms` : `${digits(value / 1_000)} s`;
  return unit === "tokens/s" || unit === "/s" || unit === "tokens" ? amount(value) : measure(value, unit);
}

/** A moment on an axis whose marks are so many seconds apart. */
export function tickTime(seconds: number, apartS: number): string {
  if (apartS < 60) return moment(seconds, 0);
  if (apartS < 86_400) return moment(seconds, 86_400);
  return new Date(seconds * 1_000).toLocaleDateString("en-GB", { weekday: "short", day: "numeric" });
}

/** What changed against `before`: `+12 %`, `−8 %`, `×3.4`, `the same`; shares in points. Null: nothing to compare with. */
export function change(
  now: number | null | undefined,
  before: number | null | undefined,
  unit: string,
): string | null {
  if (now === null || now === undefined || before === null || before === undefined) return null;
  if (unit === "%") {
    const points = Math.round(now - before);
    return points === 0 ? "the same" : `${signed(points)} pt`;
  }
  if (before === 0) return now === 0 ? "the same" : null;
  const share = now / before - 1;
  if (share >= 2) return `×${digits(now / before)}`;
  const percent = Math.round(share * 100);
  return percent === 0 ? "the same" : `${signed(percent)} %`;
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : `−${-value}`;
}

/** A moment as an axis or a label needs it: with seconds in a short time, with the day in a long one. */
export function moment(seconds: number, spanS: number): string {
  const date = new Date(seconds * 1_000);
  const clock = { hour: "2-digit", minute: "2-digit", hour12: false } as const;
  if (spanS <= 1_800) return date.toLocaleTimeString("en-GB", { ...clock, second: "2-digit" });
  const hour = date.toLocaleTimeString("en-GB", clock);
  if (spanS <= 86_400) return hour;
  return `${date.toLocaleDateString("en-GB", { weekday: "short", day: "numeric" })} ${hour}`;
}
